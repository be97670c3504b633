import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBus, type DeadLetter } from '@agentcompany/agent-bus';
import { success, type Result } from '@agentcompany/protocol';
import { instanceId, type CompanyHome } from './company-home.ts';
import { memoryBytes, type Config, type Environment } from './config.ts';
import type { Check } from './doctor.ts';
import { egressSettingsOf } from './egress-config.ts';
import { machineNetwork } from './egress/network.ts';
import { durabilityOf } from './facade/bus-reading.ts';
import { busOptions } from './home-bus.ts';
import { openProjects } from './open-projects.ts';
import { openEngine, openWorkers, workerImage } from './open-workers.ts';
import { listProjects, type Project } from './projects.ts';
import { workerLimits } from './engine/worker-limits.ts';
import { noServices } from './door/attempt-services.ts';

export interface ChainOptions {
  readonly home: CompanyHome;
  readonly config: Config;
  readonly environment: Environment;
  readonly installation: string;
}

/** The checks that stand on configuration: bus, model, container engine, image, one real worker, each project's source. */
export function chainChecks(options: ChainOptions): readonly Check[] {
  const projects = listProjects(options.home);
  return [
    { id: 'bus', title: 'message store', run: () => checkBus(options) },
    { id: 'model', title: 'model', run: async () => (await import('./facade/check-models.ts')).checkModels(options) },
    ...outsideChecks(options),
    ...egressChecks(options),
    // Where all work is done on other machines, this one needs no containers.
    ...(options.config.local_workers ? containerChecks(options) : []),
    ...(projects.ok ? projects.value : []).map((project) => ({
      id: `project-${project.id}`,
      title: `project ${project.id}`.slice(0, 16),
      run: () => checkProject(options, project),
    })),
  ];
}

/** One for each MCP server of the company: it starts, and has the tools that are allowed. Nothing of it stays. */
function outsideChecks({ config, environment }: ChainOptions): readonly Check[] {
  return Object.entries(config.mcp_servers).map(([name, settings]) => ({
    id: `mcp-${name}`,
    title: `mcp ${name}`.slice(0, 16),
    run: async () => {
      const { McpServers } = await import('./mcp/mcp-servers.ts');
      const servers = new McpServers({ environment, onFailure: () => undefined });
      const checked = await servers.check(name, settings);
      await servers.close();
      return checked;
    },
  }));
}

/** One line for all hosts that workers may reach; none where they may reach none. */
function egressChecks({ config }: ChainOptions): readonly Check[] {
  const settings = egressSettingsOf(config);
  if (settings === null) return [];
  const run = async () => {
    const { checkEgress } = await import('./egress/check-egress.ts');
    return checkEgress(settings, machineNetwork);
  };
  return [{ id: 'egress', title: 'way out', run }];
}

function containerChecks(options: ChainOptions): readonly Check[] {
  return [
    { id: 'engine', title: 'container engine', run: () => checkEngine(options) },
    { id: 'image', title: 'worker image', run: () => checkImage(options.installation) },
    { id: 'worker', title: 'sealed worker', run: () => checkWorker(options) },
  ];
}

const fsynced = {
  machine: 'fsynced here',
  server: 'fsynced there',
  volatile: 'NOT PROMISED (accepted)',
} as const;

/** Opens the bus as the engine would, which refuses a store that promises less, and has it take one step: a lease of its own. */
async function checkBus({ home, config }: ChainOptions): Promise<Result<string>> {
  const store = busOptions(home, config);
  if (!store.ok) return store;
  const opened = await openBus(store.value);
  if (!opened.ok) return opened;
  const bus = opened.value;
  try {
    const lease = await bus.acquireLease('doctor', `process ${process.pid}`, 1000);
    // Another doctor has just written the same.
    if (!lease.ok && lease.error.code !== 'AC_BUS_LEASE_HELD') return lease;
    if (lease.ok) await bus.releaseLease('doctor', lease.value.token);
    const dead = await bus.deadLetters();
    if (!dead.ok) return dead;
    const letters = dead.value.length === 0 ? 'no dead letters' : describeDead(dead.value);
    return success(`${store.value.adapter}, a write was ${fsynced[durabilityOf(store.value)]}; ${letters}`);
  } finally {
    await bus.close();
  }
}

/** Damaged records that a store set aside are among them, named by their code. */
function describeDead(letters: readonly DeadLetter[]): string {
  const damaged = letters.filter(({ error }) => /^AC_BUS_(QUARANTINED|UNREADABLE)$/.test(error.code)).length;
  const which = damaged === 0 ? '' : `, ${damaged} of them DAMAGED RECORDS`;
  return `${letters.length} dead letter${letters.length === 1 ? '' : 's'}${which}: see \`agentcompany bus dead-letters\``;
}

/** The image by the short form of its id, which the engine takes as well. */
async function checkImage(installation: string): Promise<Result<string>> {
  const image = await workerImage(installation);
  return image.ok ? success(image.value.slice(0, 'sha256:'.length + 12)) : image;
}

async function checkEngine({ environment, config }: ChainOptions): Promise<Result<string>> {
  const engine = await openEngine(environment);
  if (!engine.ok) return engine;
  const info = await engine.value.info();
  const version = await engine.value.version();
  if (!info.ok) return info;
  if (!version.ok) return version;
  const { checkEngineLimits } = await import('./containers/confinement.ts');
  const limits = checkEngineLimits(info.value);
  if (!limits.ok && !config.accept_no_limits) return limits;
  return success(
    `${version.value.version}, cgroup ${info.value.cgroupVersion}, ${limits.ok ? 'limits enforced' : 'NO LIMITS (accepted)'}`,
  );
}

/**
 * Starts one real worker on nothing: it gets its order only after its capabilities, seccomp, user, network and limits were
 * read back and equal what was asked (S1). That there is nothing to check out is then its own report.
 */
async function checkWorker({ home, config, environment, installation }: ChainOptions): Promise<Result<string>> {
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const runner = await openWorkers({
    instance: instance.value,
    installation,
    environment,
    caches: config.package_caches,
    companyHome: home.root,
    acceptNoLimits: config.accept_no_limits,
    onDurableStep: () => undefined,
  });
  if (!runner.ok) return runner;
  const folder = await mkdtemp(join(tmpdir(), 'agentcompany-doctor-'));
  try {
    const mirrorFolder = join(folder, 'mirror.git');
    await mkdir(mirrorFolder);
    const outcome = await runner.value.run({
      owner: { instance: instance.value, run: 'doctor', task: 'doctor', attempt: randomUUID(), epoch: 1 },
      order: { kind: 'verify', mirror: '/mirror.git', base_oid: '0'.repeat(40), command_timeout: 10, verify: [] },
      mirrorFolder,
      image: null,
      limits: workerLimits({
        worker_memory_bytes: memoryBytes(config.worker_memory_limit),
        worker_cpus: config.worker_cpus,
      }),
      bundleFile: null,
      logFile: join(folder, 'worker.log'),
      deadlineSeconds: 60,
      signal: AbortSignal.timeout(60_000),
      onCreated: async () => success(),
      onProgress: () => undefined,
      services: noServices,
    });
    return outcome.ok ? success('no network, no capability, limits read back') : outcome;
  } finally {
    await runner.value.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function checkProject({ home, config }: ChainOptions, project: Project): Promise<Result<string>> {
  const parts = await openProjects(home, config, () => undefined).parts(project.id);
  if (!parts.ok) return parts;
  const { repositories } = parts.value;
  const fetched = await repositories.synchronize();
  if (!fetched.ok) return fetched;
  const tip = await repositories.branchTip(project.integration_branch);
  return tip.ok ? success(`${project.integration_branch} at ${tip.value.slice(0, 12)}`) : tip;
}
