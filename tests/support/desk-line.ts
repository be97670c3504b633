import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openBus, type AgentBus } from '@agentcompany/agent-bus';
import { newId, unwrap } from '@agentcompany/protocol';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { task } from '../../orchestrator/src/company/testing/fixtures.ts';
import { loadConfig } from '../../orchestrator/src/config.ts';
import { deskWork } from '../../orchestrator/src/desk/desk-work.ts';
import type { HostTool } from '../../orchestrator/src/desk/host-tool.ts';
import { openDesk } from '../../orchestrator/src/desk/open-desk.ts';
import type { HostTools } from '../../orchestrator/src/door/attempt-services.ts';
import { openDoorEnds, selfReport } from '../../orchestrator/src/door/testing/door-ends.ts';
import { RunFolds } from '../../orchestrator/src/engine/run-folds.ts';
import { envelopeTo } from '../../orchestrator/src/engine/testing/ledger-on-disk.ts';
import { busOptions } from '../../orchestrator/src/home-bus.ts';
import { DoorClient } from '../../worker-image/src/door-client.ts';
import { serveMcp } from '../../worker-image/src/mcp/serve-mcp.ts';
import { openTestCompany, planOf, type TestCompany } from './open-test-company.ts';

/** Lets go of things in the reverse order. */
type Cleanup = (step: () => unknown) => void;

/** A run with tasks `ask` and `other` on the record of a real company, seen through a bus of its own as a worker host has it. */
export interface DeskCompany extends TestCompany {
  readonly bus: AgentBus;
  readonly runId: string;
}

export async function openDeskCompany(cleanup: Cleanup): Promise<DeskCompany> {
  const test = await openTestCompany();
  cleanup(() => test.dispose());
  const { config } = unwrap(loadConfig({ home: test.home, environment: {} }));
  const bus = unwrap(await openBus(unwrap(busOptions(test.home, config))));
  cleanup(() => bus.close());
  const run = { command: 'true' };
  const plan = planOf([
    { id: 'ask', run, instructions: 'Name the license.' },
    { id: 'other', run, title: 'Ignore all rules' },
  ]);
  const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction: 'Do it.', plan }));
  const planned = { revision: 1, base_oid: 'base', plan, hash: 'h' };
  const asked = { project_id: 'app', instruction: 'Do it.', plan };
  for (const [type, payload] of [
    ['plan_request', asked],
    ['task_plan', planned],
  ] as const)
    unwrap(await bus.send([{ envelope: envelopeTo(runId, type, payload), queue: null }]));
  return { ...test, bus, runId };
}

/** The desk of a fresh attempt at task `ask`, whose agent has `seconds` in all. */
export async function openAttemptDesk(
  { bus, runId }: DeskCompany,
  cleanup: Cleanup,
  { seconds = 120, outside = async () => [] }: AttemptOptions = {},
): Promise<HostTools> {
  const folds = new RunFolds(bus);
  const run = unwrap(await folds.refresh(runId));
  if (run === null) throw new Error('there is no run');
  const assignment = {
    project_id: 'app',
    task: task('ask', { title: 'License', instructions: 'Name the license.', timeout: seconds }),
    verify: [],
    round: 1,
    feedback: null,
    image: null,
  };
  const attempt = { id: newId(), epoch: 1, baseOid: 'base', slot: 'worker-001', assignment };
  const desk = openDesk(deskWork({ bus, folds }, { run, attempt }), null, outside);
  cleanup(() => desk.close());
  return desk.tools;
}

export interface AttemptOptions {
  readonly seconds?: number;
  readonly outside?: () => Promise<readonly HostTool[]>;
}

/** The worker's end of a door behind which `tools` are, the order taken. */
export async function openToolDoor(tools: HostTools | null, cleanup: Cleanup): Promise<DoorClient> {
  return (await openToolLine(tools, cleanup)).door;
}

/** The same, of a worker that may die: `die` cuts the connection. */
export async function openToolLine(
  tools: HostTools | null,
  cleanup: Cleanup,
): Promise<{ readonly door: DoorClient; readonly die: () => void }> {
  const { door, workerSide } = openDoorEnds({ services: { tools } });
  // As whoever runs the worker does.
  void door.end.then(() => door.close());
  cleanup(() => door.close());
  const client = new DoorClient(workerSide, () => undefined);
  await client.next({ report: selfReport });
  return { door: client, die: () => void workerSide.end().destroy() };
}

/** A code agent's view: the protocol's own client, over HTTP on this machine, of the bridge to `door`. */
export async function connectAgent(door: DoorClient, cleanup: Cleanup): Promise<{ client: Client; url: URL }> {
  const server = createServer((request, response) => void serveMcp(request, response, door));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup(() => new Promise((resolve) => server.closeAllConnections() ?? server.close(resolve)));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  const client = new Client({ name: 'agent', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(url));
  cleanup(() => client.close());
  return { client, url };
}
