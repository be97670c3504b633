import path from 'node:path';
import process from 'node:process';
import { openCompanyLazily, readRunsLazily } from './company-source.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo, Output } from './io.ts';

const smallestWidth = 40;
/** A pipe or a file has no width: what is cut there is lost to whoever reads it. */
const unlimited = Number.POSITIVE_INFINITY;

/** Touches the stream only when it is needed: the first use of each loads a part of Node that `--help` would wait for. */
function output(stream: () => NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream().write(text),
    get isTerminal() {
      return stream().isTTY;
    },
    get columns() {
      return stream().isTTY ? Math.max(smallestWidth, stream().columns) : unlimited;
    },
  };
}

/** A reader that has seen enough (`… | head`) is no failure: what is left has nowhere to go. */
function endWithReader(cause: NodeJS.ErrnoException): void {
  if (cause.code !== 'EPIPE') throw cause;
  process.exit(process.exitCode ?? 0);
}

function standardOutput(): NodeJS.WriteStream {
  if (!process.stdout.listeners('error').includes(endWithReader)) process.stdout.on('error', endWithReader);
  return process.stdout;
}

async function readStdin(limit: number): ReturnType<CliIo['readStdin']> {
  const { failure, success } = await import('@agentcompany/protocol');
  const { cliErrors } = await import('./errors.ts');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > limit) return failure(cliErrors.AC_INPUT_UNREADABLE({ problem: 'it is too long', limit }));
    chunks.push(bytes);
  }
  try {
    return success(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    return failure(cliErrors.AC_INPUT_UNREADABLE({ problem: 'it is not UTF-8 text', limit }, cause));
  }
}

/** Milliseconds in which further signals are the same interrupt: one Ctrl-C may reach a program on several ways. */
const sameInterruptMs = 500;

/** A person who interrupts more often than a command knows what to do with does not want to wait any longer (S80). */
const onInterrupt: CliIo['onInterrupt'] = (handler, heeded = 1) => {
  let count = 0;
  let last = -Infinity;
  const hear = (): void => {
    const now = performance.now();
    if (now - last < sameInterruptMs) return;
    last = now;
    count += 1;
    if (count <= heeded) return handler();
    process.stderr.write('Ended at once. What was under way is found again by the next start.\n');
    process.exit(exitCodes.interrupted);
  };
  process.on('SIGINT', hear);
  process.on('SIGTERM', hear);
  return () => {
    process.off('SIGINT', hear);
    process.off('SIGTERM', hear);
  };
};

/** The real process: the only place of the command line that touches it. */
export function processIo(): CliIo {
  return {
    stdout: output(standardOutput),
    stderr: output(() => process.stderr),
    environment: { ...process.env },
    cwd: process.cwd(),
    checkout: path.resolve(import.meta.dirname, '../../..'),
    openCompany: openCompanyLazily,
    readRuns: readRunsLazily,
    readStdin,
    onInterrupt,
  };
}
