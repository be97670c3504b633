import { mkdir, rm } from 'node:fs/promises';
import { openBus, type AgentBus } from '@agentcompany/agent-bus';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { Config } from './config.ts';
import type { CompanyTerms } from './contract/worker-hosts.ts';
import { engineOwner, takeEngineLock } from './engine/engine-lock.ts';
import { fileLog } from './engine/file-log.ts';
import type { HostParts } from './engine/host-parts.ts';
import type { Log } from './engine/log.ts';
import { persistently } from './engine/persistently.ts';
import { RunFolds } from './engine/run-folds.ts';
import { hostWorkers, type HostSignals } from './engine/worker-host.ts';
import { busAt } from './host-bus.ts';
import { openHostFolder, type HostFolder } from './host-folder.ts';
import { openEngineClient, type EngineClient } from './hosts/engine-client.ts';
import { hostErrors } from './hosts/errors.ts';
import { remoteRepositories } from './hosts/remote-repositories.ts';
import { attemptServices } from './open-attempt-services.ts';
import { remoteModels } from './open-remote-models.ts';
import { dindHome } from './open-dind.ts';
import { egressService } from './open-egress-service.ts';
import { requireProof } from './open-proof.ts';
import { openWorkers, type EngineChoice } from './open-workers.ts';

export interface WorkerHostOptions extends HostSignals, EngineChoice {
  /** The host's own folder; one host at a time. */
  readonly folder: string;
  /** What `--bus` names. */
  readonly bus: string;
  /** `http://host:port` of the engine home. */
  readonly engine: string;
  readonly token: string;
  readonly maximumWorkers: number;
  /** Of these, how many may wait for work; absent: none. */
  readonly warmWorkers?: number;
  /** What workers get is in their orders; with docker-in-docker the memory and processors of all of them are reckoned from this. */
  readonly config: EngineChoice['config'] & Pick<Config, 'worker_memory_limit' | 'worker_cpus'>;
  /** Folder of the product itself. */
  readonly installation: string;
  /** What goes on, for a person who watches. */
  readonly tell: Log;
}

/**
 * Is a worker host of a company whose engine is elsewhere (DESIGN §1.8: it never folds to decide): joins, works until it is told to
 * drain or stop, and leaves no container behind. An engine home or a bus that is away is waited for.
 * Errors: `AC_HOST_…`, those of the bus and of the container engine.
 */
export async function runWorkerHost(options: WorkerHostOptions): Promise<Result<undefined>> {
  const client = openEngineClient({ address: options.engine, token: options.token });
  if (!client.ok) return client;
  const folder = openHostFolder(options.folder);
  if (!folder.ok) return folder;
  const { lockFile, root } = folder.value;
  const lock = takeEngineLock(lockFile);
  if (!lock.ok) return failure(hostErrors.AC_HOST_RUNNING({ folder: root, pid: engineOwner(lockFile) ?? 'unknown' }));
  try {
    return await join(options, folder.value, client.value);
  } finally {
    lock.value.release();
  }
}

async function join(options: WorkerHostOptions, folder: HostFolder, client: EngineClient): Promise<Result<undefined>> {
  const { tell, drain } = options;
  const onAway = (error: AppError): void => tell('engine-away', { error });
  const terms = await persistently(drain, () => client.terms(drain), onAway);
  if (!terms.ok) return drain.aborted ? success() : terms;
  const place = busAt(options.bus, terms.value);
  if (!place.ok) return place;
  const bus = await openBus(place.value);
  if (!bus.ok) return bus;
  try {
    return await work(options, folder, client, bus.value, terms.value);
  } finally {
    await bus.value.close();
  }
}

async function work(
  options: WorkerHostOptions,
  folder: HostFolder,
  client: EngineClient,
  bus: AgentBus,
  terms: CompanyTerms,
): Promise<Result<undefined>> {
  const { tell, maximumWorkers } = options;
  const note = fileLog(folder.logFile);
  const log: Log = (event, details) => {
    note(event, details);
    tell(event, details);
  };
  const say = (line: string): void => note('image-build', { line });
  const keeping = {
    maximumWorkers,
    warmWorkers: options.warmWorkers ?? 0,
    checkoutsFolder: folder.checkoutsFolder,
    log,
  };
  const { instance } = folder;
  const dind = dindHome({ ...options, caches: [], instance, folder: folder.root, mirrorsFolder: folder.mirrorsFolder });
  // Caches are the engine's machine's, which has the configuration.
  const workers = { ...options, dind, instance, caches: [], companyHome: folder.root };
  const runner = await openWorkers({ ...workers, onDurableStep: () => undefined, say, keeping });
  if (!runner.ok) return runner;
  const ended = new AbortController();
  const proven = await requireProof({ workers, place: folder }, log);
  if (!proven.ok) return proven;
  const folds = new RunFolds(bus);
  const openEgress = egressService({ bus, secrets: [{ name: 'the token of worker hosts', value: options.token }] });
  const refused = new AbortController();
  const stop = AbortSignal.any([options.stop, refused.signal]);
  const parts: HostParts = {
    folders: folder,
    instance: folder.instance,
    hostId: `host-${folder.instance}`,
    bus,
    folds,
    runner: runner.value,
    repositories: remoteRepositories({
      client,
      mirrorsFolder: folder.mirrorsFolder,
      onAway: (error) => log('engine-away', { error }),
      onRefused: (error) => refused.abort(error),
    }),
    openEgress,
    openServices: attemptServices({
      openEgress,
      bus,
      folds,
      folders: folder,
      openModels: remoteModels(client),
      // MCP servers belong to the engine's machine, which has the company's configuration.
      outsideTools: async () => [],
    }),
    maximumWorkers,
    leaseMs: terms.lease_ms,
    log,
    tell,
  };
  try {
    const swept = await sweep(folder, parts);
    if (!swept.ok) return swept;
    tell('host-joined', { host: parts.hostId, company: terms.instance_id, workers: maximumWorkers });
    const forgetting = forgetEndedRuns(bus, folds, ended.signal);
    const hosted = await hostWorkers(parts, { drain: options.drain, stop });
    ended.abort();
    await forgetting;
    return refused.signal.aborted ? failure(refused.signal.reason as AppError) : hosted;
  } finally {
    ended.abort();
    await runner.value.close();
  }
}

/** What this host left when it died: its containers, and results whose lease is another's by now. */
async function sweep({ bundlesFolder }: HostFolder, { runner }: HostParts): Promise<Result<undefined>> {
  const containers = await runner.sweep(() => false);
  if (!containers.ok) return containers;
  await rm(bundlesFolder, { recursive: true, force: true });
  await mkdir(bundlesFolder, { mode: 0o700 });
  return success();
}

const endings: ReadonlySet<string> = new Set(['run_complete', 'run_failed', 'run_cancel', 'run_state']);

/** Lets go of the folds of runs that may have ended: what goes on is read again when it is needed. */
async function forgetEndedRuns(bus: AgentBus, folds: RunFolds, signal: AbortSignal): Promise<void> {
  const after = await persistently(signal, () => bus.lastPosition());
  if (!after.ok) return;
  for await (const { stream, envelope } of bus.watch({ after: after.value, signal }))
    if (endings.has(envelope.envelope_type)) folds.forget(stream);
}
