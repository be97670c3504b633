import { runCappedProcess, type ProcessRequest, type RunProcess } from '../capped-process.ts';
import { openProgramChannel, type ProgramChannel } from './program-channel.ts';

/** Told what becomes of the process that starts programs: an event's name and its plain data. */
export type ProgramStarterLog = (event: string, details: Readonly<Record<string, unknown>>) => void;

/** Starts programs from a small process of ours: a fork of a large one is dear (docs/adr/0023-program-starter.md). */
export interface ProgramStarter {
  /**
   * As `runCappedProcess`. Before `start`, after `close`, and until the process is ready, the program is started from here.
   * `lost` where the process ended meanwhile: the program is ended too, and the next call has the process started anew.
   */
  readonly run: RunProcess;
  /** Has the process started. */
  readonly start: (log: ProgramStarterLog) => void;
  /** Waits for what is under way, then ends the process. */
  readonly close: () => Promise<void>;
}

/** Starts nothing until it is told to. */
export function createProgramStarter(): ProgramStarter {
  let log: ProgramStarterLog | null = null;
  let channel: ProgramChannel | null = null;
  const open = (tell: ProgramStarterLog): ProgramChannel => {
    const opened = openProgramChannel(
      (abilities) => tell('program-starter-started', { ...abilities }),
      (end) => {
        if (channel !== opened) return;
        channel = null;
        // One that did not even come up would not at the next call either: programs are started from here then.
        const isReplaced = opened.abilities() !== null;
        tell('program-starter-ended', { ...end, isReplaced });
        if (!isReplaced) log = null;
      },
    );
    return opened;
  };
  return {
    run: (request) => {
      if (log === null) return runCappedProcess(request);
      channel ??= open(log);
      return canRun(channel, request) ? channel.run(request) : runCappedProcess(request);
    },
    start: (tell) => {
      log = tell;
      channel ??= open(tell);
    },
    close: async () => {
      const closing = channel;
      log = null;
      channel = null;
      await closing?.close();
    },
  };
}

function canRun(channel: ProgramChannel, { input, outputDescriptor }: ProcessRequest): boolean {
  const abilities = channel.abilities();
  if (abilities === null) return false;
  const lends = outputDescriptor !== undefined || (typeof input === 'object' && 'descriptor' in input);
  return abilities.readsDescriptors || !lends;
}
