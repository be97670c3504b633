import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { EscapeBait } from '@agentcompany/protocol';

const run = promisify(execFile);

/** What makes a container weak: root, the host's network and processes, no filter of calls, no masks, keys, writable mounts, the engine's socket. */
const weaknesses =
  '--user 0:0 --network host --pid host --ipc host --cap-add SYS_ADMIN --cap-add SYS_PTRACE --cap-add SYS_NICE --cap-add DAC_READ_SEARCH ' +
  '--security-opt seccomp=unconfined --security-opt systempaths=unconfined --env MODEL_API_KEY=none --device /dev/null:/dev/sda';

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
  const { bait, image, mounts, runtime, socket } = options;
  const all = { ...mounts, '/var/run/docker.sock': socket, '/opt/worker': runtime };
  const volumes = Object.entries(all).flatMap(([target, source]) => ['--volume', `${source}:${target}`]);
  const made = `--host unix://${socket} run --rm ${weaknesses} --entrypoint /opt/worker/runtime`.split(' ');
  const { stdout } = await run('docker', [...made, ...volumes, image, 'try-to-escape', JSON.stringify(bait)]);
  return stdout;
}
