import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failure, success, type ModelAccount, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import { estimate } from '../company/budget.ts';
import { costOfAccount, joinAccounts } from '../company/sum-calls.ts';
import type { Amount, Called } from '../models/purse.ts';
import { engineErrors } from './errors.ts';

const amount = z.object({ usd: z.number().nonnegative().nullable(), tokens: z.number().nonnegative() });
const begun = z.object({ call: z.int(), provider: z.string(), model: z.string(), bound: amount });
const ended = z.object({ call: z.int(), cost: amount });
const line = z.union([begun, ended]);

/** Calls of one attempt's models as they come, one JSON line each: the most it may cost, then what it cost (DESIGN §5, Budget). */
export interface SpendingJournal {
  /** Durable when it returns: only then may the call be made. Error: `AC_HOST_JOURNAL`. */
  begin(call: number, called: Called, bound: Amount): Promise<Result<undefined>>;
  /** Survives the process at once, and a power cut once the next call begins: without it the bound counts. */
  end(call: number, cost: Amount): void;
  close(): Promise<void>;
}

/** The journal at `file`, which is made with the first call. */
export function openSpendingJournal(file: string, attemptId: string): SpendingJournal {
  let handle: Promise<FileHandle> | null = null;
  // One after the other, whatever became of the one before.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  const append = async (entry: z.infer<typeof line>): Promise<FileHandle> => {
    handle ??= create(file);
    const opened = await handle;
    await opened.appendFile(`${JSON.stringify(entry)}\n`);
    return opened;
  };
  return {
    begin: async (call, { provider, model }, bound) => {
      try {
        await inTurn(async () => (await append({ call, provider, model, bound })).datasync());
        return success();
      } catch (cause) {
        return failure(engineErrors.AC_HOST_JOURNAL({ attempt: attemptId }, cause));
      }
    },
    end: (call, cost) => void inTurn(() => append({ call, cost })).catch(() => undefined),
    close: () => inTurn(async () => (await handle)?.close()).catch(() => undefined),
  };
}

async function create(file: string): Promise<FileHandle> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a', 0o600);
  for (const made of [folder, dirname(folder), dirname(dirname(folder))]) await syncFolder(made);
  return handle;
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

/**
 * What the calls in a journal took: those that ended at their cost, the others at the most they can have come to. Null where there is
 * no journal on this machine. A line that a crash cut short was never acknowledged: its call was not made.
 */
export async function readSpending(file: string): Promise<ModelAccount | null> {
  const calls = await readCalls(file);
  return calls === null ? null : joinAccounts([...calls.values()].map(lineOf));
}

/** Where the calls of a journal stand, for a purse that goes on with it: what they took, and the number of the last one. */
export async function resumeSpending(
  file: string,
): Promise<{ readonly spent: Amount & { readonly usd: number }; readonly calls: number }> {
  const calls = (await readCalls(file)) ?? new Map<number, Call>();
  const { usd, tokens } = costOfAccount([...calls.values()].map(lineOf));
  return { spent: { usd, tokens }, calls: Math.max(0, ...calls.keys()) };
}

interface Call {
  readonly begun: z.infer<typeof begun>;
  cost: Amount | null;
}

function lineOf({ begun: { provider, model, bound }, cost }: Call): ModelAccount[number] {
  return { ...estimate({ provider, model }, cost ?? bound), estimated: cost === null };
}

async function readCalls(file: string): Promise<ReadonlyMap<number, Call> | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  const calls = new Map<number, Call>();
  for (const part of text.split('\n')) {
    const entry = parseLine(part);
    if (entry === null) continue;
    if ('bound' in entry) calls.set(entry.call, { begun: entry, cost: null });
    else {
      const call = calls.get(entry.call);
      if (call !== undefined) call.cost = entry.cost;
    }
  }
  return calls;
}

function parseLine(text: string): z.infer<typeof line> | null {
  try {
    return line.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
