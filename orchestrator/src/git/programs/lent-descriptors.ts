import { closeSync, constants, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import type { ProcessRequest } from '../capped-process.ts';

/** Whether this process can open what the process `owner` has open: on Linux, of the same user. */
export function canBorrowFrom(owner: number): boolean {
  try {
    return readdirSync(`/proc/${owner}/fd`).length > 0;
  } catch {
    return false;
  }
}

/**
 * The request with descriptors of this process in the place of the owner's, each for the very file the owner has open
 * (proc_pid_fd(5)); no path is looked up again. Throws where one cannot be opened. Dispose when the program has ended.
 */
export function borrowDescriptors(
  request: ProcessRequest,
  owner: number,
): { readonly request: ProcessRequest } & Disposable {
  const opened: number[] = [];
  const dispose = (): void => opened.splice(0).forEach((descriptor) => closeSync(descriptor));
  const borrow = (descriptor: number, flags: number): number => {
    const own = openSync(`/proc/${owner}/fd/${descriptor}`, flags);
    opened.push(own);
    return own;
  };
  const { input, outputDescriptor } = request;
  try {
    let borrowed = request;
    if (typeof input === 'object' && 'descriptor' in input) {
      const own = borrow(input.descriptor, constants.O_RDONLY);
      skip(own, positionOf(owner, input.descriptor));
      borrowed = { ...borrowed, input: { descriptor: own } };
    }
    if (outputDescriptor !== undefined) {
      borrowed = { ...borrowed, outputDescriptor: borrow(outputDescriptor, constants.O_WRONLY) };
    }
    return { request: borrowed, [Symbol.dispose]: dispose };
  } catch (problem) {
    dispose();
    throw problem;
  }
}

/** Where the owner's descriptor stands (proc_pid_fdinfo(5)); one opened anew stands at the beginning. */
function positionOf(owner: number, descriptor: number): number {
  const facts = readFileSync(`/proc/${owner}/fdinfo/${descriptor}`, 'latin1');
  const position = /^pos:\s+(\d+)$/mu.exec(facts)?.[1];
  if (position === undefined) throw new Error(`no position in ${JSON.stringify(facts)}`);
  return Number(position);
}

/** Node cannot seek: what is read moves the position. Positions are behind a header, so small. */
function skip(descriptor: number, bytes: number): void {
  const chunk = Buffer.alloc(Math.min(bytes, 64 * 1024));
  for (let left = bytes; left > 0;) {
    const read = readSync(descriptor, chunk, 0, Math.min(left, chunk.length), null);
    if (read === 0) return;
    left -= read;
  }
}
