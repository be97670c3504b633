import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openBus, type OutgoingItem } from '@agentcompany/agent-bus';
import { newId, unwrap, type Envelope, type EnvelopeType } from '@agentcompany/protocol';
import { initHome, type CompanyHome } from '../../orchestrator/src/company-home.ts';
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

function envelope(runId: string, id: string, type: EnvelopeType, payload: Record<string, unknown>): Envelope {
  const created = new Date().toISOString();
  return {
    version: '1',
    id,
    sender: 'bench',
    recipient: 'engine',
    envelope_type: type,
    payload,
    context: { run_id: runId },
    inReplyTo: null,
    created_at: created,
  };
}

function entriesOf(index: number): OutgoingItem[] {
  const id = newId();
  const settings = {
    max_attempts: 3,
    max_review_rounds: 3,
    command_timeout: 300,
    worker_memory_bytes: 2 ** 31,
    worker_cpus: 2,
    on_failure: 'stop',
    approvals: { plan: 'auto', protected_paths: 'person' },
    default_branch: 'main',
    integration_branch: 'main',
    image: null,
    verify: [],
  };
  const submit = envelope(id, id, 'task_submit', {
    project_id: 'app',
    instruction: `Instruction number ${index}`,
    plan: null,
    settings,
  });
  const error = {
    code: 'AC_PLAN_REJECTED',
    message: 'the plan was rejected',
    cause: null,
    remedy: 'Submit another plan.',
    retry: 'never',
  };
  const failed = envelope(id, newId(), 'run_failed', { error });
  const ledger = index < openRuns ? [submit] : [submit, failed];
  return ledger.map((each) => ({ envelope: each, queue: null }));
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
