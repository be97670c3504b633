import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openBus, type OutgoingItem } from '@agentcompany/agent-bus';
import { newId, unwrap } from '@agentcompany/protocol';
import { initHome, type CompanyHome } from '../../orchestrator/src/company-home.ts';
import { errorOf, settingsOf } from '../../orchestrator/src/company/testing/fixtures.ts';
import { envelopeTo } from '../../orchestrator/src/engine/testing/ledger-on-disk.ts';
import { timed } from '../measure.ts';
import type { Contender, Measurement, PreparedMeasurement } from '../measurement.ts';
import { checkout } from '../worker-image.ts';

const execute = promisify(execFile);
const program = join(checkout, 'tools', 'cli', 'bin', 'agentcompany.mjs');
const runsOnRecord = 1000;
/** Of the runs on record, those that have not ended. */
const openRuns = 5;

/** A program's whole life under this Node, its output read to the end. Throws when it fails. */
async function runNode(...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(process.execPath, [...args], { env: { ...process.env, NODE_OPTIONS: '' } });
  return stdout;
}

function entriesOf(index: number): readonly OutgoingItem[] {
  const id = newId();
  const instruction = `Instruction number ${index}`;
  const submission = { project_id: 'app', instruction, plan: null, settings: settingsOf() };
  const submitted = envelopeTo(id, 'task_submit', submission, { id });
  const failed = envelopeTo(id, 'run_failed', { error: errorOf('AC_PLAN_REJECTED', 'never') });
  return (index < openRuns ? [submitted] : [submitted, failed]).map((each) => ({ envelope: each, queue: null }));
}

/** Puts the runs into the ledger through the bus. */
async function recordRuns(home: CompanyHome): Promise<void> {
  const bus = unwrap(await openBus({ adapter: 'file', folder: home.busFolder }));
  for (let index = 0; index < runsOnRecord; index += 100) {
    unwrap(await bus.send(Array.from({ length: 100 }, (_, offset) => entriesOf(index + offset)).flat()));
  }
  await bus.close();
}

async function prepare(makeArguments: (folder: string) => Promise<readonly string[]>): Promise<PreparedMeasurement> {
  const folder = await mkdtemp(join(tmpdir(), 'agentcompany-bench-'));
  const hello = join(folder, 'hello.js');
  await writeFile(hello, "console.log('hello');\n");
  const args = await makeArguments(folder);
  return {
    sides: [() => timed(() => runNode(program, ...args))],
    floor: () => timed(() => runNode(hello)),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A home with the runs on record, its read model brought up to date by one command before. */
async function homeWithRuns(folder: string): Promise<readonly string[]> {
  const home = unwrap(initHome(join(folder, 'home')));
  await recordRuns(home);
  const args = ['--home', join(folder, 'home'), 'status'];
  const shown = await runNode(program, ...args);
  if (!shown.includes(`${openRuns} open of ${runsOnRecord}`))
    throw new Error(`status does not see the runs:\n${shown}`);
  return args;
}

const bareNode: Contender = { name: '`node hello.js`', durability: null };

/** What it costs to call the command line at all. */
export const programCosts: readonly Measurement[] = [
  {
    unit: 'ms',
    floor: bareNode,
    sides: [{ row: 'P11a', name: '`agentcompany --help`', durability: null, target: { bound: 'at most', ratio: 1.7 } }],
    rounds: 25,
    prepare: () => prepare(() => Promise.resolve(['--help'])),
  },
  {
    unit: 'ms',
    floor: bareNode,
    sides: [
      {
        row: 'P11b',
        name: '`agentcompany status`, 1,000 runs on record',
        durability: null,
        target: { bound: 'at most', ratio: 4 },
      },
    ],
    rounds: 25,
    prepare: () => prepare(homeWithRuns),
  },
];
