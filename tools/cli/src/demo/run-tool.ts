import { execFile } from 'node:child_process';

export interface ToolCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How a tool ended; `code` is null where it could not be started, was stopped, or took too long. */
export interface ToolEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const maximumOutput = 16 * 1024 * 1024;

/** Runs a tool of the machine to its end with its output held back. */
export function runTool({ program, args, folder, environment, timeoutMs, signal }: ToolCall): Promise<ToolEnd> {
  return new Promise((resolve) => {
    const options = {
      cwd: folder,
      env: { ...environment },
      timeout: timeoutMs,
      signal,
      maxBuffer: maximumOutput,
      killSignal: 'SIGKILL' as const,
    };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else
        resolve({
          code: typeof error.code === 'number' ? error.code : null,
          stdout,
          stderr: stderr === '' ? error.message : stderr,
        });
    });
  });
}
