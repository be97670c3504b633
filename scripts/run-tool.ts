import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How a program ended: its exit code (1 when a signal ended it) and all it printed, both streams as they came. */
export interface ToolRun {
  readonly code: number;
  readonly output: string;
}

/** Runs this Node with the arguments in `cwd` and waits for the end. Never rejects for a failing program. */
export function runNode(
  cwd: string,
  nodeArguments: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ToolRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, nodeArguments, {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString('utf8') }));
  });
}

/** Path of the script behind a command of an installed package; `bin` defaults to the package's name. */
export async function binOf(root: string, name: string, bin = name): Promise<string> {
  const folder = join(root, 'node_modules', name);
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const path = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[bin];
  if (path === undefined) throw new Error(`${name} has no command ${bin}`);
  return join(folder, path);
}
