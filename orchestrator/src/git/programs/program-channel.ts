import { fork, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { signalGroup, type ProcessOutcome, type ProcessRequest, type RunProcess } from '../capped-process.ts';
import type { ProgramNews, ProgramOrder } from './program-messages.ts';

/** One process that starts programs, and what it was asked to do. */
export interface ProgramChannel {
  /** Null until it has said what it can do. */
  readonly abilities: () => ProgramAbilities | null;
  readonly run: RunProcess;
  /** Waits for what is under way, then ends the process. */
  readonly close: () => Promise<void>;
}

interface ProgramAbilities {
  readonly pid: number;
  /** It can open what this process has open. */
  readonly readsDescriptors: boolean;
}

/** How the process ended: its exit code or signal, or why it could not be started. */
export type ProgramProcessEnd = Readonly<Record<'exitCode' | 'signal' | 'error', number | string | null>>;

/** Milliseconds beyond a program's own time after which a process that has not answered counts as stuck. */
const graceMs = 10_000;

/**
 * Starts the process. `onReady` is told when it takes orders, `onEnd` once how it ended, whoever ended it. It holds no event loop
 * open but for what is under way.
 */
export function openProgramChannel(
  onReady: (abilities: ProgramAbilities) => void,
  onEnd: (end: ProgramProcessEnd) => void,
): ProgramChannel {
  const child = forkProcess();
  const orders = new Map<number, Pending>();
  let abilities: ProgramAbilities | null = null;
  let lastId = 0;
  child.on('message', (news: ProgramNews) => {
    if (news.event === 'ready') {
      abilities = { pid: news.pid, readsDescriptors: news.readsDescriptors };
      onReady(abilities);
    } else if (news.event === 'started') orders.get(news.id)?.noteGroup(news.group);
    else orders.get(news.id)?.settle(news.outcome);
  });
  const ended = whenEnded(child).then((end) => {
    onEnd(end);
    for (const order of orders.values()) order.lose();
  });
  return {
    abilities: () => abilities,
    run: async (request) => {
      lastId += 1;
      const id = lastId;
      const pending = openPending(child, request);
      orders.set(id, pending);
      const message: ProgramOrder = { id, request };
      // One that is gone is heard of by the end of the channel.
      child.send(message, () => undefined);
      const outcome = await pending.settled;
      orders.delete(id);
      return outcome;
    },
    close: async () => {
      while (orders.size > 0) await Promise.all([...orders.values()].map(({ settled }) => settled));
      child.ref();
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/**
 * Source or built, beside this file or where the package's `exports` say: in a bundle, this file may be anywhere. The
 * process imports no package, so it needs no condition of ours.
 */
function programFile(): string {
  const { filename, dirname, url } = import.meta;
  if (filename.endsWith('.ts')) return path.join(dirname, 'program-process.ts');
  return createRequire(url).resolve('@agentcompany/orchestrator/program-process');
}

function forkProcess(): ChildProcess {
  const child = fork(programFile(), [], {
    cwd: '/',
    // Neither the flags nor the environment of this process; a group of its own, so that a terminal's signals do not reach it.
    execArgv: [],
    env: {},
    detached: true,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.unref();
  child.channel?.unref();
  return child;
}

/** The end of the process and of all it had to say: the channel ends after its last word. Kills one that closed it and lives on. */
async function whenEnded(child: ChildProcess): Promise<ProgramProcessEnd> {
  const failed = Promise.withResolvers<Error>();
  child.once('error', failed.resolve);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const silent = new Promise((resolve) => child.once('disconnect', resolve));
  const error = await Promise.race([failed.promise, silent.then(() => null)]);
  if (error !== null && child.pid === undefined) return { exitCode: null, signal: null, error: error.message };
  child.kill('SIGKILL');
  await exited;
  return { exitCode: child.exitCode, signal: child.signalCode, error: error?.message ?? null };
}

interface Pending {
  readonly settled: Promise<ProcessOutcome>;
  readonly settle: (outcome: ProcessOutcome) => void;
  readonly noteGroup: (group: number) => void;
  /** Ends the program, which nobody watches any more. */
  readonly lose: () => void;
}

/** The clock keeps the event loop; the one that counts is the process's own. */
function openPending(child: ChildProcess, request: ProcessRequest): Pending {
  const { promise, resolve } = Promise.withResolvers<ProcessOutcome>();
  const clock = setTimeout(() => child.kill('SIGKILL'), request.timeoutMs + graceMs);
  let group: number | null = null;
  const settle = (outcome: ProcessOutcome): void => {
    clearTimeout(clock);
    resolve(outcome);
  };
  return {
    settled: promise,
    settle,
    noteGroup: (started) => {
      group = started;
    },
    lose: () => {
      if (group !== null) signalGroup(group, 'SIGKILL');
      settle({ end: 'lost' });
    },
  };
}
