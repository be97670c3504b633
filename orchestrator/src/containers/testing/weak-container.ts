import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { EscapeBait } from '@agentcompany/protocol';

const run = promisify(execFile);

/** What makes a container weak: root, the host's network and processes, no filter of calls, no masks, keys, writable mounts, the engine's socket. */
const weaknesses = [
  ...['--user', '0:0', '--network', 'host', '--pid', 'host', '--ipc', 'host'],
  ...['SYS_ADMIN', 'SYS_PTRACE', 'SYS_NICE', 'DAC_READ_SEARCH'].map((capability) => `--cap-add=${capability}`),
  ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'systempaths=unconfined'],
  ...['--env', 'MODEL_API_KEY=none', '--device', '/dev/null:/dev/sda'],
];

export interface WeakContainerOptions {
  readonly image: string;
  /** Folder with the worker's runtime. */
  readonly runtime: string;
  /** Host folders mounted writable, by where they appear. */
  readonly mounts: Readonly<Record<string, string>>;
  readonly socket: string;
  readonly bait: EscapeBait;
}

/** Runs the program that tries to get out in a container as it must never be made, and gives what it printed. */
export async function escapeFromWeakContainer(options: WeakContainerOptions): Promise<string> {
  const mounts = Object.entries({ ...options.mounts, '/var/run/docker.sock': options.socket });
  const { stdout } = await run('docker', [
    ...['--host', `unix://${options.socket}`, 'run', '--rm', ...weaknesses],
    ...mounts.flatMap(([target, source]) => ['--volume', `${source}:${target}`]),
    ...['--volume', `${options.runtime}:/opt/worker`, '--entrypoint', '/opt/worker/runtime', options.image],
    ...['try-to-escape', JSON.stringify(options.bait)],
  ]);
  return stdout;
}
