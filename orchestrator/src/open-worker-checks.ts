import { success, type EscapeGoal, type Result } from '@agentcompany/protocol';
import { instanceId, type CompanyHome } from './company-home.ts';
import { memoryBytes, type Config, type Environment } from './config.ts';
import type { RuntimeProof } from './containers/escape/prove-runtime.ts';
import type { Check } from './doctor.ts';
import { workerLimits } from './engine/worker-limits.ts';
import { dindOfHome } from './open-dind.ts';
import { homeProofPlace, proveWorkers, rememberProof, type ProofRequest } from './open-proof.ts';
import { openEngine, openWorkers, workerImage } from './open-workers.ts';

interface WorkerCheckOptions {
  readonly home: CompanyHome;
  readonly config: Config;
  readonly environment: Environment;
  readonly installation: string;
}

const goals: readonly (readonly [EscapeGoal, string])[] = [
  ['network', 'no network'],
  ['writes', 'no writes'],
  ['calls', 'no system calls'],
  ['host', 'no host, no keys'],
];

/** The engine, the image, and one real worker that tries to get out: one line for each kind of attempt. */
export function containerChecks(options: WorkerCheckOptions): readonly Check[] {
  let proof: Promise<Result<RuntimeProof>> | null = null;
  // One worker for all of its lines; where there is none, the first line says why.
  const prove = (): Promise<Result<RuntimeProof>> => (proof ??= proveHere(options));
  return [
    { id: 'engine', title: 'container engine', run: () => checkEngine(options) },
    { id: 'image', title: 'worker image', run: () => checkImage(options) },
    { id: 'worker', title: 'sealed worker', run: () => checkWorker(options, prove) },
    { id: 'workspaces', title: 'workspaces', run: () => checkWorkspaces(options) },
    ...goals.map(([goal, title]) => ({ id: `worker-${goal}`, title, run: () => checkGoal(goal, prove) })),
  ];
}

/** The image by the short form of its id, which the engine takes as well. */
async function checkImage(options: WorkerCheckOptions): Promise<Result<string>> {
  const image = await workerImage(options);
  return image.ok ? success(image.value.slice(0, 'sha256:'.length + 12)) : image;
}

async function checkEngine({ home, environment, config, installation }: WorkerCheckOptions): Promise<Result<string>> {
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const dind = dindOfHome(home, { config, installation, instance: instance.value });
  const engine = await openEngine({ config, environment, dind });
  if (!engine.ok) return engine;
  const info = await engine.value.info();
  const version = await engine.value.version();
  if (!info.ok) return info;
  if (!version.ok) return version;
  const { checkEngineLimits, missingLimits } = await import('./containers/confinement.ts');
  const limits = checkEngineLimits(info.value);
  if (!limits.ok && !config.accept_no_limits) return limits;
  const { engineFeatures } = await import('./containers/create-body.ts');
  const held = limits.ok ? 'limits enforced' : `NO LIMITS on ${missingLimits(info.value).join(', ')} (accepted)`;
  const appArmor = engineFeatures(info.value).appArmor ? 'AppArmor' : 'no AppArmor';
  const { ociRuntime, cgroupVersion, flavour, rootless, warning } = info.value;
  const name = `${flavour === 'podman' ? 'Podman' : 'Docker'} ${version.value.version}${rootless ? ' without root' : ''}`;
  const amiss = warning === null ? '' : `; WARNING: ${warning.message}. ${warning.remedy}`;
  return success(`${name}, ${ociRuntime}, cgroup ${cgroupVersion}, ${held}, ${appArmor}${amiss}`);
}

function limitsOf(config: Config): ReturnType<typeof workerLimits> {
  return workerLimits({
    worker_memory_bytes: memoryBytes(config.worker_memory_limit),
    worker_cpus: config.worker_cpus,
  });
}

/** One real worker, sealed as every other and with the limits of the configuration, and what became of its attempts to get out. */
async function proveHere({
  home,
  config,
  environment,
  installation,
}: WorkerCheckOptions): Promise<Result<RuntimeProof>> {
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const dind = dindOfHome(home, { config, installation, instance: instance.value });
  const place = { caches: config.package_caches, companyHome: home.root };
  const workers = { instance: instance.value, installation, environment, config, dind, ...place };
  const request: ProofRequest = { workers, place: homeProofPlace(home), signal: AbortSignal.timeout(90_000) };
  const proof = await proveWorkers(request, limitsOf(config));
  if (!proof.ok || proof.value.findings.some(({ outcome }) => outcome === 'escaped')) return proof;
  const remembered = await rememberProof(request, proof.value);
  return remembered.ok ? proof : remembered;
}

/**
 * That there is a proof says already that the worker got its order only after its capabilities, seccomp, user, network and limits
 * were read back and equal what was asked (S1).
 */
async function checkWorker(
  { config }: WorkerCheckOptions,
  prove: () => Promise<Result<RuntimeProof>>,
): Promise<Result<string>> {
  const proof = await prove();
  if (!proof.ok) return proof;
  const { cpus, pids } = limitsOf(config);
  const limits = `memory ${config.worker_memory_limit}, ${cpus} CPUs, ${pids} processes`;
  const readBack = config.accept_no_limits ? `asked for ${limits}, absence accepted` : `${limits}, as read inside`;
  return success(`a ping through its door after ${(proof.value.pingMs / 1000).toFixed(1)} s; ${readBack}`);
}

/** Mounts one as a task's would be. That it has to be made in memory is no failure, but is said. */
async function checkWorkspaces({ home, ...options }: WorkerCheckOptions): Promise<Result<string>> {
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const { checkoutsFolder } = home;
  const keeping = { maximumWorkers: 1, warmWorkers: 0, checkoutsFolder, log: () => undefined, isVisitor: true };
  const workers = { ...options, instance: instance.value };
  const dind = dindOfHome(home, workers);
  const place = { dind, caches: [], companyHome: home.root };
  const nothing = (): void => undefined;
  const runner = await openWorkers({ ...workers, ...place, onDurableStep: nothing, say: nothing, keeping });
  if (!runner.ok) return runner;
  const reason = await runner.value.checkouts?.reasonForMemory();
  await runner.value.close();
  if (reason?.ok === false) return reason;
  return success(typeof reason?.value === 'string' ? `IN MEMORY: ${reason.value}` : 'mounted on prepared checkouts');
}

async function checkGoal(goal: EscapeGoal, prove: () => Promise<Result<RuntimeProof>>): Promise<Result<string>> {
  const proof = await prove();
  if (!proof.ok) return proof;
  const { checkFindings } = await import('./containers/escape/prove-runtime.ts');
  return checkFindings(proof.value.findings, goal);
}
