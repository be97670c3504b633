import { openBus, type DeadLetter } from '@agentcompany/agent-bus';
import { success, type Result } from '@agentcompany/protocol';
import type { CompanyHome } from './company-home.ts';
import type { Config, Environment } from './config.ts';
import type { Check } from './doctor.ts';
import { egressSettingsOf } from './egress-config.ts';
import { machineNetwork } from './egress/network.ts';
import { durabilityOf } from './facade/bus-reading.ts';
import { busOptions } from './home-bus.ts';
import { openProjects } from './open-projects.ts';
import { containerChecks } from './open-worker-checks.ts';
import { listProjects, type Project } from './projects.ts';

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

async function checkProject({ home, config }: ChainOptions, project: Project): Promise<Result<string>> {
  const parts = await openProjects(home, config).parts(project.id);
  if (!parts.ok) return parts;
  const { repositories } = parts.value;
  const fetched = await repositories.synchronize();
  if (!fetched.ok) return fetched;
  const tip = await repositories.branchTip(project.integration_branch);
  return tip.ok ? success(`${project.integration_branch} at ${tip.value.slice(0, 12)}`) : tip;
}
