import { Duplex } from 'node:stream';
import { commandEnvironment } from './command-environment.ts';
import { DoorClient } from './door-client.ts';
import { hostSilentMs, watchHost } from './host-watch.ts';
import { workerPaths } from './paths.ts';
import { openSupplies } from './supplies/open-supplies.ts';
import { readSelfReport } from './self-report.ts';
import { endStrays } from './strays.ts';
import { carryOut } from './work.ts';

const exitCodes = { done: 0, failed: 1, hostGone: 7 } as const;
const beatMs = 10_000;
const runtimeFolder = '/opt/worker';

/** The standard error is the attempt's log; the standard output is the door and carries nothing else. */
function log(text: string): void {
  process.stderr.write(`worker: ${text}\n`);
}

function leave(why: string): never {
  log(why);
  process.exit(exitCodes.hostGone);
}

async function work(): Promise<void> {
  watchHost(process.stdin, hostSilentMs, leave);
  const door = new DoorClient(Duplex.from({ readable: process.stdin, writable: process.stdout }), () =>
    leave('the door was closed'),
  );
  const order = await door.next({ report: await readSelfReport() });
  const paths = workerPaths('/workspace');
  let latest = { message: '', step: 0, allowed_seconds: 0 };
  const beat = (): void => void door.progress(latest).catch(() => leave('the host took no progress'));
  const progress = (message: string, allowedSeconds = 0): void => {
    latest = { message, step: latest.step + 1, allowed_seconds: allowedSeconds };
    log(message);
    beat();
  };
  const beats = setInterval(beat, beatMs);
  const place = {
    folder: paths.repository,
    environment: {
      ...commandEnvironment(paths, process.env, runtimeFolder, order.tool_folders),
      ...(await openSupplies(order, door, {
        folder: `${paths.workspace}/supplies`,
        inherited: process.env,
        say: log,
      })),
    },
    onOutput: (chunk: Buffer) => void process.stderr.write(chunk),
  };
  const report = await carryOut(order, { paths, place, endStrays, progress, door });
  clearInterval(beats);
  log(report.error === null ? 'done' : `${report.error.code}: ${report.error.message}`);
  await door.complete(report);
}

/** As a command inside a worker the runtime is the program that tries to get out. */
async function escape(bait: string): Promise<void> {
  const { tryToEscape } = await import('./escape/try-to-escape.ts');
  await tryToEscape(bait, (line) => void process.stdout.write(`${line}\n`));
}

try {
  const [command, bait] = process.argv.slice(2);
  await (command === 'try-to-escape' ? escape(bait ?? '') : work());
  process.exit(exitCodes.done);
} catch (error) {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(exitCodes.failed);
}
