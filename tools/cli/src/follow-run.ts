import type { Company, RunView, StreamEntry } from '@agentcompany/orchestrator';
import type { AppError, Result } from '@agentcompany/protocol';
import type { Context } from './context.ts';
import { shortId, shortQuestionId } from './run-outcome.ts';
import { plainView, terminalView, type LiveView } from './terminal/live-view.ts';
import { timelineLine } from './terminal/timeline-line.ts';

/** Where a run's events go: NDJSON on standard output, or lines there, live on a terminal. */
export interface EventPrinter {
  entry(entry: StreamEntry): void;
  show(run: RunView): void;
  /** Talk while the run is shown. */
  talk(line: string): void;
  end(): void;
}

/** `label` stands before each line, where several runs are followed at once. */
export function createPrinter(context: Context, label = ''): EventPrinter {
  const { io, style } = context;
  const silent = { show: () => undefined, talk: (line: string) => context.talk(line), end: () => undefined };
  if (context.json) return { ...silent, entry: (entry) => context.document(entry) };
  if (context.quiet) return { ...silent, entry: () => undefined };
  const live = io.stdout.isTerminal && io.environment['TERM'] !== 'dumb' && label === '';
  const view: LiveView = live ? terminalView(io.stdout, style) : plainView(io.stdout);
  return {
    entry: (entry) => {
      const line = timelineLine(entry, style, io.stdout.columns - label.length);
      if (line !== null) view.line(label + line);
      if (entry.envelope.envelope_type === 'approval_request')
        view.line(`${label}          agentcompany approve ${shortId(entry.stream)}`);
      const question = entry.envelope.envelope_type === 'question' ? entry.envelope.payload['question_id'] : undefined;
      if (typeof question === 'string')
        view.line(`${label}          agentcompany answer ${shortQuestionId(question)} TEXT`);
    },
    show: (run) => view.show(run),
    talk: (line) => view.aside(() => context.talk(line)),
    end: () => view.end(),
  };
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Ends the following once true of the run's state. */
  readonly until: (state: string) => boolean;
  /** Number of the last entry of the run that is left out; 0 shows all. */
  readonly after: number;
}

/** Follows one run: prints its entries, and reads its state at most once at a time while entries come. */
class Follower {
  readonly #company: Company;
  readonly #runId: string;
  readonly #printer: EventPrinter;
  readonly #options: FollowOptions;
  readonly #stop = new AbortController();
  #lastSeq: number;
  #pending = false;
  #reading: Promise<void> | null = null;
  #error: AppError | null = null;

  constructor(company: Company, runId: string, printer: EventPrinter, options: FollowOptions) {
    this.#company = company;
    this.#runId = runId;
    this.#printer = printer;
    this.#options = options;
    this.#lastSeq = options.after;
  }

  async #readState(): Promise<void> {
    while (this.#pending) {
      this.#pending = false;
      const run = await this.#company.showRun(this.#runId);
      if (!run.ok) this.#error = run.error;
      else this.#printer.show(run.value);
      if (!run.ok || this.#options.until(run.value.state)) this.#stop.abort();
    }
    this.#reading = null;
  }

  #print(entry: StreamEntry): void {
    if (entry.stream === this.#runId) this.#lastSeq = entry.seq;
    this.#printer.entry(entry);
    this.check();
  }

  async #read(follow: boolean, signal: AbortSignal): Promise<void> {
    const seen = this.#lastSeq;
    for await (const entry of this.#company.timeline(this.#runId, { after: seen, follow, signal })) {
      // What was printed while following is not printed again by the last reading; progress has numbers of its own.
      if (follow || entry.stream === this.#runId) this.#print(entry);
    }
    await this.#reading;
  }

  /** Reads the state again, though no entry came. */
  check(): void {
    this.#pending = true;
    this.#reading ??= this.#readState();
  }

  async run(): Promise<Result<RunView>> {
    this.check();
    await this.#read(true, AbortSignal.any([this.#stop.signal, this.#options.signal]));
    await this.#read(false, new AbortController().signal);
    this.#printer.end();
    return this.#error === null ? this.#company.showRun(this.#runId) : { ok: false, error: this.#error };
  }
}

/** Number of the last entry that is on record of a run, 0 where there is none. */
export async function lastEntry(company: Company, runId: string): Promise<number> {
  let last = 0;
  const { signal } = new AbortController();
  for await (const entry of company.timeline(runId, { after: 0, follow: false, signal }))
    if (entry.stream === runId) last = entry.seq;
  return last;
}

export interface Following {
  /** The run as it stands at the end. */
  readonly done: Promise<Result<RunView>>;
  /** Asks `until` again. */
  check(): void;
}

/** Prints a run's timeline until its state satisfies `until` or `signal` aborts, then whatever was recorded meanwhile. */
export function followRun(company: Company, runId: string, printer: EventPrinter, options: FollowOptions): Following {
  const follower = new Follower(company, runId, printer, options);
  return { done: follower.run(), check: () => follower.check() };
}
