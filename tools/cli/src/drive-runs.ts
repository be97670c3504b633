import { once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';
import type { Company, RunView } from '@agentcompany/orchestrator';
import type { AppError, Result } from '@agentcompany/protocol';
import type { Context } from './context.ts';
import { createPrinter, followRun, lastEntry, type Following } from './follow-run.ts';
import { isOver, needsPerson, shortId } from './run-outcome.ts';

export interface DriveRequest {
  readonly runs: readonly string[];
  readonly timeoutSeconds: number | null;
  /** Shows only what happens from now on. */
  readonly newOnly?: boolean;
}

/** How driving ended: by itself with the runs as they stand, by the clock, by the person, or with an error. */
export type DriveEnd =
  | { readonly kind: 'done'; readonly runs: readonly Result<RunView>[] }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'interrupted'; readonly cancelled: boolean }
  | { readonly kind: 'failed'; readonly error: AppError };

/** How many milliseconds a second interrupt gives the work to end, so that its containers go. */
const graceMs = 2000;
/** Milliseconds between two looks at whether the other engine is still there. */
const engineLookMs = 500;

/** The first interrupt stops the work in order, the second cancels the runs. */
function listen(
  context: Context,
  company: Company,
  runs: readonly string[],
  stop: AbortController,
  talk: (line: string) => void,
): { readonly forced: Promise<void>; readonly state: { interrupts: number }; readonly release: () => void } {
  const state = { interrupts: 0 };
  const { promise: forced, resolve } = Promise.withResolvers<void>();
  const release = context.io.onInterrupt(() => {
    state.interrupts += 1;
    if (state.interrupts === 1) {
      const again = runs.length === 1 ? `agentcompany resume ${shortId(runs[0] ?? '')}` : 'agentcompany resume';
      talk(`Stopping; the work so far is kept. Press Ctrl-C again to cancel.\nGo on with \`${again}\`.`);
      stop.abort();
    } else if (state.interrupts === 2) {
      talk('Cancelling.');
      void Promise.allSettled(runs.map((run) => company.cancelRun(run, 'Ctrl-C pressed twice'))).then(() => resolve());
    }
  });
  return { forced, state, release };
}

/**
 * Waits while another process is the engine: true once all runs are `settled` or `signal` aborts, false where that engine ended
 * first. It works for runs of its own and may leave when they are done: then whoever still waits takes over.
 */
async function isSettledUnder(company: Company, settled: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  const waiting = new AbortController();
  const over = Promise.race([settled, once(signal, 'abort', { signal: waiting.signal })]).then(
    () => true,
    () => true,
  );
  try {
    while (!signal.aborted) {
      const looked = after(engineLookMs, false, { signal: waiting.signal }).catch(() => false);
      if (await Promise.race([over, looked])) return true;
      if ((await company.enginePid()) === null) return false;
    }
    return true;
  } finally {
    waiting.abort();
  }
}

/**
 * Does the engine's work for some runs in this process and shows it; where another process is the engine, only shows it.
 * Ends when nothing can move without a person or the outside, at the time limit, or at an interrupt.
 */
export async function driveRuns(context: Context, company: Company, request: DriveRequest): Promise<DriveEnd> {
  const stop = new AbortController();
  const shown = new AbortController();
  let watching = false;
  let isTold = false;
  let timedOut = false;
  const printers = request.runs.map((run) =>
    createPrinter(context, request.runs.length === 1 ? '' : `${shortId(run)}  `),
  );
  const talk = (line: string): void => printers[0]?.talk(line);
  const onWarning = (warning: string): void => talk(`${context.talkStyle.attention('warning')}: ${warning}`);
  const seen = request.newOnly === true ? await Promise.all(request.runs.map((run) => lastEntry(company, run))) : [];
  const interrupt = listen(context, company, request.runs, stop, talk);
  const followings: readonly Following[] = request.runs.map((run, index) => {
    const printer = printers[index] ?? createPrinter(context);
    const until = (state: string): boolean => watching && (isOver(state) || needsPerson(state));
    return followRun(company, run, printer, { signal: shown.signal, until, after: seen[index] ?? 0 });
  });
  const all = Promise.all(followings.map((following) => following.done));
  // A failure to show is reported with the end of the work, not thrown into the middle of it.
  all.catch(() => undefined);
  const timer =
    request.timeoutSeconds === null
      ? null
      : setTimeout(() => ((timedOut = true), stop.abort()), request.timeoutSeconds * 1000);
  const work = async (): Promise<DriveEnd> => {
    let driven = await company.drive({ runs: request.runs, signal: stop.signal, onWarning });
    while (!driven.ok && driven.error.code === 'AC_ENGINE_RUNNING' && !stop.signal.aborted) {
      if (!isTold) {
        talk(`Another process is the engine (pid ${(await company.enginePid()) ?? 'unknown'}); watching.`);
        isTold = true;
      }
      watching = true;
      followings.forEach((following) => following.check());
      if (await isSettledUnder(company, all, stop.signal)) break;
      watching = false;
      driven = await company.drive({ runs: request.runs, signal: stop.signal, onWarning });
    }
    shown.abort();
    const runs = await all;
    if (interrupt.state.interrupts > 1) await interrupt.forced;
    if (interrupt.state.interrupts > 0) return { kind: 'interrupted', cancelled: interrupt.state.interrupts > 1 };
    if (timedOut) return { kind: 'timeout' };
    const isWatched = !driven.ok && driven.error.code === 'AC_ENGINE_RUNNING';
    return driven.ok || isWatched ? { kind: 'done', runs } : { kind: 'failed', error: driven.error };
  };
  try {
    const working = work();
    const end = await Promise.race([working, interrupt.forced.then(() => null)]);
    if (end !== null) return end;
    shown.abort();
    // The company is closed after this: what still reads from it ends first.
    const ended = Promise.allSettled([working, all]);
    await Promise.race([ended, after(graceMs, undefined, { ref: false })]);
    return { kind: 'interrupted', cancelled: true };
  } finally {
    if (timer !== null) clearTimeout(timer);
    interrupt.release();
  }
}
