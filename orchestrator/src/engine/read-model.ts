import type { AgentBus } from '@agentcompany/agent-bus';
import { companyStream, success, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import canonicalize from 'canonicalize';
import { viewOf, type RunSummary, type RunView } from '../company/view.ts';
import { RunFolds } from './run-folds.ts';

const schemaVersion = 1;
const pageSize = 5000;

/**
 * `company.db`: what the ledger says of every run, ready to be read. It may be thrown away at any time and is then folded
 * again (DESIGN §1.2), so it is written without waiting for the disk.
 */
export class ReadModel {
  readonly #bus: AgentBus;
  readonly #database: Database.Database;

  constructor(bus: AgentBus, file: string) {
    this.#bus = bus;
    this.#database = new Database(file, { timeout: 5000 });
    this.#database.pragma('journal_mode = WAL');
    this.#database.pragma('synchronous = OFF');
    if (this.#database.pragma('user_version', { simple: true }) !== schemaVersion) this.#create();
  }

  #create(): void {
    this.#database.exec(`
      DROP TABLE IF EXISTS runs;
      DROP TABLE IF EXISTS cursor;
      CREATE TABLE runs (run_id TEXT PRIMARY KEY, state TEXT NOT NULL, summary TEXT NOT NULL, view TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE cursor (position INTEGER NOT NULL);
      INSERT INTO cursor VALUES (0);
      PRAGMA user_version = ${schemaVersion};
    `);
  }

  /** Folds the runs that have new entries since the last refresh. */
  async refresh(): Promise<Result<undefined>> {
    for (;;) {
      const after = this.#database.prepare<[], { position: number }>('SELECT position FROM cursor').get()?.position ?? 0;
      const entries = await this.#bus.readAll({ after, limit: pageSize });
      if (!entries.ok) return entries;
      const last = entries.value.at(-1);
      if (last === undefined) return success();
      const streams = new Set(entries.value.map(({ stream }) => stream).filter((stream) => stream !== companyStream && !stream.includes('/')));
      const folded = await this.#foldAll(streams);
      if (!folded.ok) return folded;
      this.#store(folded.value, last.position);
    }
  }

  async #foldAll(streams: Iterable<string>): Promise<Result<readonly RunView[]>> {
    const folds = new RunFolds(this.#bus);
    const views: RunView[] = [];
    for (const stream of streams) {
      const run = await folds.refresh(stream);
      if (!run.ok) return run;
      if (run.value !== null) views.push(viewOf(run.value));
      folds.forget(stream);
    }
    return success(views);
  }

  #store(views: readonly RunView[], position: number): void {
    const put = this.#database.prepare('INSERT OR REPLACE INTO runs (run_id, state, summary, view) VALUES (?, ?, ?, ?)');
    this.#database.transaction(() => {
      for (const view of views) put.run(view.run_id, view.state, JSON.stringify(summarize(view)), JSON.stringify(view));
      this.#database.prepare('UPDATE cursor SET position = max(position, ?)').run(position);
    })();
  }

  /** Every run, oldest first. */
  summaries(): readonly RunSummary[] {
    const rows = this.#database.prepare<[], { summary: string }>('SELECT summary FROM runs ORDER BY run_id').all();
    return rows.map(({ summary }) => JSON.parse(summary) as RunSummary);
  }

  /** Ids that begin with `prefix`, at most two. */
  matching(prefix: string): readonly string[] {
    const rows = this.#database
      .prepare<[{ prefix: string }], { run_id: string }>('SELECT run_id FROM runs WHERE substr(run_id, 1, length(@prefix)) = @prefix LIMIT 2')
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
      .prepare<[], { run_id: string }>("SELECT run_id FROM runs WHERE state NOT IN ('completed', 'failed', 'cancelled') ORDER BY run_id")
      .all();
    return rows.map((row) => row.run_id);
  }

  /** The whole model as RFC 8785 JSON. */
  export(): string {
    const rows = this.#database.prepare<[], { view: string }>('SELECT view FROM runs ORDER BY run_id').all();
    return canonicalize({ version: schemaVersion, runs: rows.map(({ view }) => JSON.parse(view) as unknown) }) ?? '';
  }

  /** Throws everything away and folds every stream again. Returns the number of runs. */
  async rebuild(): Promise<Result<{ readonly runs: number }>> {
    this.#create();
    const refreshed = await this.refresh();
    return refreshed.ok ? success({ runs: this.summaries().length }) : refreshed;
  }

  close(): void {
    this.#database.close();
  }
}

function summarize(view: RunView): RunSummary {
  const { run_id, project_id, title, state, created_at, updated_at, tasks, error, pull_request } = view;
  return { run_id, project_id, title, state, created_at, updated_at, tasks, error, pull_request };
}
