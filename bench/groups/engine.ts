import { unwrap, type Plan } from '@agentcompany/protocol';
import { instanceId, type CompanyHome } from '../../orchestrator/src/company-home.ts';
import { loadConfig } from '../../orchestrator/src/config.ts';
import type { ConfigKey } from '../../orchestrator/src/config-schema.ts';
import { dindOfHome } from '../../orchestrator/src/open-dind.ts';
import { homeProofPlace, requireProof } from '../../orchestrator/src/open-proof.ts';
import { environmentOfEngine, openTestCompany, planOf } from '../../tests/support/open-test-company.ts';
import { openBareLine } from '../bare-line.ts';
import { timed } from '../measure.ts';
import type { Measurement, PreparedMeasurement } from '../measurement.ts';
import { checkout, workerImage } from '../worker-image.ts';

const taskCount = 8;
const limitMs = 300_000;

/** Independent tasks of one file each, and one check of the whole at the end. */
function plan(): Plan {
  const tasks = Array.from({ length: taskCount }, (_, index) => ({
    id: `task-${index + 1}`,
    run: { command: `echo ${index + 1} > file-${index + 1}.txt` },
  }));
  return planOf(tasks, { title: 'Eight files', verify: ['test -f file-1.txt'] });
}

/** What a host does once for each engine, image and kernel, and remembers: it is no part of a run. */
async function proveRuntime(home: CompanyHome, flags: Partial<Record<ConfigKey, unknown>>): Promise<void> {
  const environment = environmentOfEngine();
  const { config } = unwrap(loadConfig({ home, environment, flags }));
  const workers = { instance: unwrap(instanceId(home)), installation: checkout, environment, config };
  const dind = dindOfHome(home, workers);
  unwrap(await requireProof({ workers: { ...workers, dind }, place: homeProofPlace(home) }, () => undefined));
}

/** One run in a fresh home, from the instruction to the published pull request; setting up and tearing down are not timed. */
async function throughTheEngine(): Promise<number> {
  const flags = { max_workers: taskCount };
  const { company, dispose } = await openTestCompany({ environment: environmentOfEngine(), flags });
  try {
    await proveRuntime(company.home, flags);
    let runId = '';
    const taken = await timed(async () => {
      runId = unwrap(await company.submit({ projectId: 'app', instruction: 'Write eight files', plan: plan() })).runId;
      unwrap(await company.drive({ runs: [runId], signal: AbortSignal.timeout(limitMs) }));
    });
    const { state, error } = unwrap(await company.showRun(runId));
    if (state !== 'published') throw new Error(`the run is ${state}: ${error?.message ?? ''}`);
    return taken;
  } finally {
    await dispose();
  }
}

async function prepare(): Promise<PreparedMeasurement> {
  const line = await openBareLine({ image: workerImage(), tasks: taskCount });
  return { sides: [throughTheEngine], floor: line.run, close: line.close };
}

/** The whole line. */
export const wholeLine: Measurement = {
  unit: 'ms',
  floor: { name: 'eight parallel and one serial bare `docker run` with the same git steps', durability: null },
  sides: [
    {
      row: 'P8',
      name: 'eight independent one-file tasks to the published pull request',
      durability: null,
      target: { bound: 'at most', ratio: 1.35 },
    },
  ],
  rounds: 5,
  prepare,
};
