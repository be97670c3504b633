import path from 'node:path';
import process from 'node:process';
import { openCompanyLazily } from './company-source.ts';
import type { CliIo, Output } from './io.ts';

const smallestWidth = 40;

function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY,
    get columns() {
      return Math.max(smallestWidth, stream.isTTY ? stream.columns : 80);
    },
  };
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

/** A reader that has seen enough (`… | head`) is no failure: what is left has nowhere to go. */
function endWithReader(): void {
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EPIPE') throw cause;
    process.exit(process.exitCode ?? 0);
  });
}

/** The real process: the only place of the command line that touches it. */
export function processIo(): CliIo {
  endWithReader();
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    environment: { ...process.env },
    cwd: process.cwd(),
    checkout: path.resolve(import.meta.dirname, '../../..'),
    openCompany: openCompanyLazily,
    readStdin,
    onInterrupt: (handler) => {
      process.on('SIGINT', handler);
      process.on('SIGTERM', handler);
      return () => {
        process.off('SIGINT', handler);
        process.off('SIGTERM', handler);
      };
    },
  };
}
