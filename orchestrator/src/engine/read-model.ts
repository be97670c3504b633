import { rmSync } from 'node:fs';
import type { AgentBus } from '@agentcompany/agent-bus';
import { companyStream, failure, success, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import canonicalize from 'canonicalize';
import { viewOf, type RunSummary, type RunView } from '../company/view.ts';
import { runEnds, type RunState } from '../company/states.ts';
import { engineErrors } from './errors.ts';
import { RunFolds } from './run-folds.ts';

const schemaVersion = 5;
const pageSize = 5000;

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
  readonly #database: Database.Database;
  /** Runs that have not ended, folded as far as this process has seen. */
  readonly #folds: RunFolds;
  #isMatched = false;

  /** `place` names the store behind `bus`. Error: `AC_READ_MODEL_FAILED`. */
  static open(bus: AgentBus, file: string, place: string): Result<ReadModel> {
    try {
      return success(new ReadModel(bus, file, place));
    } catch (cause) {
      return failureOf(cause);
    }
  }

  private constructor(bus: AgentBus, file: string, place: string) {
    this.#bus = bus;
    this.#place = place;
    this.#folds = new RunFolds(bus);
    this.#database = openOrReplace(file);
    if (!this.#isOurs()) this.#create(true);
  }

  #isOurs(): boolean {
    if (readVersion(this.#database) !== schemaVersion) return false;
    return this.#cursor().place === this.#place;
  }

  #cursor(): { readonly position: number; readonly place: string } {
    const read = this.#database.prepare<[], { position: number; place: string }>('SELECT position, place FROM cursor');
    return read.get() ?? { position: 0, place: '' };
  }

  /** `onlyOther`: leaves a model alone that another process has made meanwhile. */
  #create(onlyOther: boolean): void {
    this.#database
      .transaction(() => {
        if (onlyOther && this.#isOurs()) return;
        this.#database.exec(`
          DROP TABLE IF EXISTS runs;
          DROP TABLE IF EXISTS cursor;
          CREATE TABLE runs (run_id TEXT PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL, summary TEXT NOT NULL, view TEXT NOT NULL) WITHOUT ROWID;
          CREATE TABLE cursor (position INTEGER NOT NULL, place TEXT NOT NULL);
          PRAGMA user_version = ${schemaVersion};
        `);
        this.#database.prepare('INSERT INTO cursor VALUES (0, ?)').run(this.#place);
      })
      .immediate();
  }

  /** Folds the runs that have new entries since the last refresh. Error: `AC_READ_MODEL_FAILED`. */
  refresh(): Promise<Result<undefined>> {
    return guarded(() => this.#refresh());
  }

  async #refresh(): Promise<Result<undefined>> {
    if (!this.#isMatched) {
      const matched = await this.#match();
      if (!matched.ok) return matched;
      this.#isMatched = true;
    }
    for (;;) {
      if (!this.#isOurs()) this.#create(true);
      const after = this.#cursor().position;
      const entries = await this.#bus.readAll({ after, limit: pageSize });
      if (!entries.ok) return entries;
      const last = entries.value.at(-1);
      if (last === undefined) return success();
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
    const { position } = this.#cursor();
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
        const cursor = this.#cursor();
        if (cursor.position < after || cursor.place !== this.#place) return;
        for (const { version, view } of views)
          put.run(view.run_id, version, view.state, JSON.stringify(summarize(view)), JSON.stringify(view));
        this.#database.prepare('UPDATE cursor SET position = max(position, ?)').run(until);
      })
      .immediate();
  }

  /** Every run, oldest first. */
  summaries(): readonly RunSummary[] {
    const rows = this.#database.prepare<[], { summary: string }>('SELECT summary FROM runs ORDER BY run_id').all();
    return rows.map(({ summary }) => JSON.parse(summary) as RunSummary);
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

/** A model that a power cut spoilt holds nothing that the ledger does not: it is made anew. */
function openOrReplace(file: string): Database.Database {
  try {
    return openDatabase(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (!code.startsWith('SQLITE_CORRUPT') && code !== 'SQLITE_NOTADB') throw cause;
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    return openDatabase(file);
  }
}

function openDatabase(file: string): Database.Database {
  const database = new Database(file, { timeout: 5000 });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    readVersion(database);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

function readVersion(database: Database.Database): unknown {
  return database.pragma('user_version', { simple: true });
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
