import type { AgentBus } from '@agentcompany/agent-bus';
import { companyStream, failure, success, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import canonicalize from 'canonicalize';
import { viewOf, type RunSummary, type RunView } from '../company/view.ts';
import { runEnds, type RunState } from '../company/states.ts';
import { engineErrors } from './errors.ts';
import {
  openReadModelFile,
  readCursor,
  readSummaries,
  readVersion,
  resetModel,
  schemaVersion,
} from './read-model-file.ts';
import { RunFolds } from './run-folds.ts';

const pageSize = 5000;

/** Where the store ends, for the note that spares others its opening; null where it cannot be told (`storeEnd` of the bus). */
type StoreEnd = () => Promise<string | null>;
const untold: StoreEnd = async () => null;

interface FoldedView {
  /** Entries of the stream it was folded from. */
  readonly version: number;
  readonly view: RunView;
}

/**
 * `company.db`: what the ledger says of every run, ready to be read. It may be thrown away at any time and is then folded
 * again (DESIGN §1.2), so it is written without waiting for the disk. Several processes may keep it at once.
 */
export class ReadModel {
  readonly #bus: AgentBus;
  /** Which store the model is made from: that of another one is thrown away. */
  readonly #place: string;
  readonly #storeEnd: StoreEnd;
  readonly #database: Database.Database;
  /** Runs that have not ended, folded as far as this process has seen. */
  readonly #folds: RunFolds;
  #isMatched = false;

  /** `place` names the store behind `bus`. Error: `AC_READ_MODEL_FAILED`. */
  static open(bus: AgentBus, file: string, place: string, storeEnd: StoreEnd = untold): Result<ReadModel> {
    try {
      return success(new ReadModel(bus, file, place, storeEnd));
    } catch (cause) {
      return failureOf(cause);
    }
  }

  private constructor(bus: AgentBus, file: string, place: string, storeEnd: StoreEnd) {
    this.#bus = bus;
    this.#place = place;
    this.#storeEnd = storeEnd;
    this.#folds = new RunFolds(bus);
    this.#database = openReadModelFile(file);
    if (!this.#isOurs()) this.#create(true);
  }

  #isOurs(): boolean {
    if (readVersion(this.#database) !== schemaVersion) return false;
    return readCursor(this.#database).place === this.#place;
  }

  /** `onlyOther`: leaves a model alone that another process has made meanwhile. */
  #create(onlyOther: boolean): void {
    this.#database
      .transaction(() => {
        if (onlyOther && this.#isOurs()) return;
        resetModel(this.#database, this.#place);
      })
      .immediate();
  }

  /** Folds the runs that have new entries since the last refresh. Error: `AC_READ_MODEL_FAILED`. */
  refresh(): Promise<Result<undefined>> {
    return guarded(async () => {
      const refreshed = await this.#refresh();
      return refreshed.ok ? success() : refreshed;
    });
  }

  async #refresh(): Promise<Result<number>> {
    if (this.#isMatched) return this.#takeIn();
    const before = await this.#storeEnd();
    const matched = await this.#match();
    if (!matched.ok) return matched;
    this.#isMatched = true;
    const taken = await this.#takeIn();
    // Only then it was the end all the while, of the streams that were matched and of the entries that were read.
    if (taken.ok && before !== null && before === (await this.#storeEnd())) this.#noteEnd(taken.value, before);
    return taken;
  }

  /** Returns the position up to which the model now has everything. */
  async #takeIn(): Promise<Result<number>> {
    for (;;) {
      if (!this.#isOurs()) this.#create(true);
      const after = readCursor(this.#database).position;
      const entries = await this.#bus.readAll({ after, limit: pageSize });
      if (!entries.ok) return entries;
      const last = entries.value.at(-1);
      if (last === undefined) return success(after);
      const streams = new Set(
        entries.value.map(({ stream }) => stream).filter((stream) => stream !== companyStream && !stream.includes('/')),
      );
      const folded = await this.#foldAll(streams);
      if (!folded.ok) return folded;
      this.#store(folded.value, { after, until: last.position });
    }
  }

  /**
   * What the model has and the ledger has not goes: all of it where the ledger ends before the model does (a copy was put back),
   * else runs whose stream was dropped by a process that died before it told the model.
   */
  async #match(): Promise<Result<undefined>> {
    const { position } = readCursor(this.#database);
    const last = await this.#bus.lastPosition();
    if (!last.ok) return last;
    if (last.value < position) this.#create(false);
    // In this order: a run that is new meanwhile is in neither list or in the second alone.
    const known = this.#database.prepare<[], { run_id: string }>('SELECT run_id FROM runs').all();
    const streams = await this.#bus.streams();
    if (!streams.ok) return streams;
    const present = new Set(streams.value);
    this.#remove(known.map((row) => row.run_id).filter((id) => !present.has(id)));
    return success();
  }

  #remove(runIds: readonly string[]): void {
    const remove = this.#database.prepare<[string]>('DELETE FROM runs WHERE run_id = ?');
    this.#database.transaction(() => runIds.forEach((id) => remove.run(id))).immediate();
  }

  /** Takes out a run whose stream was dropped. Error: `AC_READ_MODEL_FAILED`. */
  forget(runId: string): Promise<Result<undefined>> {
    return guarded(async () => {
      this.#folds.forget(runId);
      this.#remove([runId]);
      return success();
    });
  }

  async #foldAll(streams: Iterable<string>): Promise<Result<readonly FoldedView[]>> {
    const views: FoldedView[] = [];
    for (const stream of streams) {
      const run = await this.#folds.refresh(stream);
      if (!run.ok) return run;
      if (run.value === null) continue;
      views.push({ version: run.value.version, view: viewOf(run.value) });
      if (runEnds.has(run.value.state)) this.#folds.forget(stream);
    }
    return success(views);
  }

  /**
   * A view never replaces one that another process folded from more entries. Where the model was begun anew since these
   * entries were read, nothing is stored: they and those before them are read again.
   */
  #store(views: readonly FoldedView[], { after, until }: { readonly after: number; readonly until: number }): void {
    const put = this.#database.prepare(
      `INSERT INTO runs (run_id, version, state, summary, view) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (run_id) DO UPDATE SET version = excluded.version, state = excluded.state, summary = excluded.summary, view = excluded.view
       WHERE version < excluded.version`,
    );
    this.#database
      .transaction(() => {
        const cursor = readCursor(this.#database);
        if (cursor.position < after || cursor.place !== this.#place) return;
        for (const { version, view } of views)
          put.run(view.run_id, version, view.state, JSON.stringify(summarize(view)), JSON.stringify(view));
        this.#database.prepare("UPDATE cursor SET position = max(position, ?), store_end = ''").run(until);
      })
      .immediate();
  }

  /** For whoever asks later and does not want to open the store. Not where another process has taken in more since. */
  #noteEnd(position: number, storeEnd: string): void {
    const { store_end: known } = readCursor(this.#database);
    if (known === storeEnd) return;
    this.#database
      .prepare<[string, number, string]>('UPDATE cursor SET store_end = ? WHERE position = ? AND place = ?')
      .run(storeEnd, position, this.#place);
  }

  /** Every run, oldest first. */
  summaries(): readonly RunSummary[] {
    return readSummaries(this.#database);
  }

  /** Ids that begin with `prefix`, at most two. */
  matching(prefix: string): readonly string[] {
    const rows = this.#database
      .prepare<[{ prefix: string }], { run_id: string }>(
        'SELECT run_id FROM runs WHERE substr(run_id, 1, length(@prefix)) = @prefix LIMIT 2',
      )
      .all({ prefix });
    return rows.map((row) => row.run_id);
  }

  view(runId: string): RunView | null {
    const row = this.#database.prepare<[string], { view: string }>('SELECT view FROM runs WHERE run_id = ?').get(runId);
    return row === undefined ? null : (JSON.parse(row.view) as RunView);
  }

  /** Ids of the runs that have not ended, oldest first. */
  open(): readonly string[] {
    const rows = this.#database
      .prepare<[], { run_id: string }>(
        "SELECT run_id FROM runs WHERE state NOT IN ('completed', 'failed', 'cancelled') ORDER BY run_id",
      )
      .all();
    return rows.map((row) => row.run_id);
  }

  /** Runs that have ended, oldest first. */
  ended(): readonly RunSummary[] {
    return this.summaries().filter(({ state }) => runEnds.has(state as RunState));
  }

  /** The whole model as RFC 8785 JSON. */
  export(): string {
    const rows = this.#database.prepare<[], { view: string }>('SELECT view FROM runs ORDER BY run_id').all();
    return canonicalize({ version: schemaVersion, runs: rows.map(({ view }) => JSON.parse(view) as unknown) }) ?? '';
  }

  /** Throws everything away and folds every stream again. Returns the number of runs. */
  rebuild(): Promise<Result<{ readonly runs: number }>> {
    return guarded(async () => {
      this.#create(false);
      const refreshed = await this.#refresh();
      return refreshed.ok ? success({ runs: this.summaries().length }) : refreshed;
    });
  }

  close(): void {
    this.#database.close();
  }
}

function summarize(view: RunView): RunSummary {
  const { run_id, project_id, title, state, created_at, updated_at, tasks, error, pull_request, cost } = view;
  return { run_id, project_id, title, state, created_at, updated_at, tasks, error, pull_request, cost };
}

async function guarded<Value>(work: () => Promise<Result<Value>>): Promise<Result<Value>> {
  try {
    return await work();
  } catch (cause) {
    return failureOf(cause);
  }
}

/** A disk that is full or fails is an expected failure of the read model: the ledger is as it was. Anything else is a bug. */
function failureOf(cause: unknown): Result<never> {
  if (cause instanceof Database.SqliteError) return failure(engineErrors.AC_READ_MODEL_FAILED({}, cause));
  throw cause;
}
