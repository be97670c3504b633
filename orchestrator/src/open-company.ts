import { randomUUID } from 'node:crypto';
import { openBus, storeEnd, type AgentBus } from '@agentcompany/agent-bus';
import { success, type Result } from '@agentcompany/protocol';
import { instanceId, type CompanyHome } from './company-home.ts';
import type { Company, DriveOptions } from './company-facade.ts';
import type { Config, Environment } from './config.ts';
import { crashPoint } from './crash-point.ts';
import { agentFolders } from './definitions/load-agents.ts';
import { drive } from './engine/drive.ts';
import { holdingEngineLease } from './engine/engine-lease.ts';
import { engineOwner, takeEngineLock } from './engine/engine-lock.ts';
import { engineLogFile, fileLog } from './engine/file-log.ts';
import type { HostParts } from './engine/host-parts.ts';
import { localRepositories } from './engine/local-repositories.ts';
import type { EngineParts, HostService } from './engine/parts.ts';
import { ReadModel } from './engine/read-model.ts';
import { keepRetention } from './engine/retention.ts';
import { openRunPurse } from './engine/run-purse.ts';
import { RunFolds } from './engine/run-folds.ts';
import { cleanHome, type CleanParts } from './facade/clean/clean-home.ts';
import { keepClean } from './facade/clean/keep-clean.ts';
import { openCompanyBus } from './facade/company-bus.ts';
import { draftPlan } from './facade/draft-plan.ts';
import { openModelReviewer } from './facade/model-reviewer.ts';
import { openTriager } from './facade/model-triager.ts';
import { openPlanMaker } from './facade/plan-maker.ts';
import { openPullRequests } from './facade/pull-requests.ts';
import { openQuestionDesk } from './facade/questions.ts';
import { openPlanDesk } from './facade/revise-plan.ts';
import { openRunCommands } from './facade/run-commands.ts';
import { openRunQueries } from './facade/run-queries.ts';
import { openWorkerLogs } from './facade/worker-log.ts';
import { openWorkerQueries } from './facade/workers.ts';
import { createProgramStarter, type ProgramStarter } from './git/programs/program-starter.ts';
import { readGitVersion } from './git-version.ts';
import { openNoteDesk } from './facade/tell-task.ts';
import { busOptions, busKey } from './home-bus.ts';
import { knownSecrets } from './known-secrets.ts';
import { serveWorkerHosts, type HostServiceOptions } from './open-host-service.ts';
import type { AttemptModelsOptions } from './open-attempt-models.ts';
import { attemptServices, paidModels } from './open-attempt-services.ts';
import { egressService } from './open-egress-service.ts';
import { openOutsideTools, type OutsideTools } from './open-outside-tools.ts';
import type { Turns } from './engine/turns.ts';
import type { Recording } from './models/recorded/recording.ts';
import { openProjects, type Projects } from './open-projects.ts';
import { dindOfHome } from './open-dind.ts';
import { homeProofPlace, requireProof } from './open-proof.ts';
import { openEngine, openWorkers } from './open-workers.ts';

export interface OpenCompanyOptions {
  readonly environment: Environment;
  /** Folder of the product itself: where the worker runtime and the record of its image lie. */
  readonly installation: string;
  readonly config: Config;
  /** Answers in the place of models: a run that is carried out again. */
  readonly recording?: Recording;
  /** The order that independent work keeps to, likewise. */
  readonly turns?: Turns;
}

/** Milliseconds the engine's own lease lasts; prolonged each third of it. */
const engineLeaseMs = 30_000;

/**
 * Opens the company at `home`. Opening takes no lock: reading and sending go beside a running engine.
 * Errors: those of the bus, `AC_READ_MODEL_FAILED`.
 */
export async function openCompany(home: CompanyHome, options: OpenCompanyOptions): Promise<Result<Company>> {
  const { config } = options;
  const onDurableStep = crashPoint(options.environment['CRASH_AT']);
  // Before its commit a step has not happened: a crash there is one after the step before it.
  const onBusStep = (step: string): void => (step === 'bus:after' ? onDurableStep(step) : undefined);
  const store = busOptions(home, config);
  if (!store.ok) return store;
  const opened = await openBus({ ...store.value, onDurableStep: onBusStep });
  if (!opened.ok) return opened;
  const bus = opened.value;
  const modeled = ReadModel.open(bus, home.readModelFile, busKey(store.value), () => storeEnd(store.value));
  if (!modeled.ok) {
    await bus.close();
    return modeled;
  }
  const model = modeled.value;
  const programs = createProgramStarter();
  const projects = openProjects(home, config, { onDurableStep, runProcess: programs.run });
  const context = {
    home,
    bus,
    store: store.value,
    model,
    projects,
    agents: agentFolders(options.installation, home.root),
    config,
    environment: options.environment,
  };
  return success({
    home,
    bus: openCompanyBus(context),
    ...openRunCommands(context),
    ...openRunQueries(context),
    ...openWorkerLogs(context),
    ...openWorkerQueries(context),
    ...openQuestionDesk(context),
    ...openPlanDesk(context),
    ...openNoteDesk(context),
    draftPlan: (request, signal) => draftPlan(context, request, signal),
    ...openPullRequests(context),
    drive: (request) => driveCompany({ ...context, programs, options, onDurableStep }, request),
    clean: (choice) => cleanHome({ home, model, openEngine: cleaningEngine(home, options) }, choice),
    enginePid: async () => engineOwner(home.lockFile),
    close: async () => {
      model.close();
      await bus.close();
    },
  });
}

/** Null where all work is done on other machines: then this one has no containers. */
function cleaningEngine(
  home: CompanyHome,
  { config, environment, installation }: OpenCompanyOptions,
): CleanParts['openEngine'] {
  if (!config.local_workers) return null;
  return async () => {
    const instance = instanceId(home);
    if (!instance.ok) return instance;
    return openEngine({
      config,
      environment,
      dind: dindOfHome(home, { instance: instance.value, installation, config }),
    });
  };
}

interface DriveContext {
  readonly home: CompanyHome;
  readonly bus: AgentBus;
  readonly model: ReadModel;
  readonly projects: Projects;
  readonly programs: ProgramStarter;
  readonly config: Config;
  readonly options: OpenCompanyOptions;
  readonly onDurableStep: (step: string) => void;
}

/** Takes the lock and the bus lease, then works (DESIGN §1.8: one engine per company at a time). */
async function driveCompany(context: DriveContext, request: DriveOptions): Promise<Result<undefined>> {
  const lock = takeEngineLock(context.home.lockFile);
  if (!lock.ok) return lock;
  try {
    return await holdingEngineLease(context.bus, engineLeaseMs, (lost) =>
      work(context, { ...request, signal: AbortSignal.any([request.signal, lost]) }),
    );
  } finally {
    await context.programs.close();
    lock.value.release();
  }
}

async function work(context: DriveContext, request: DriveOptions): Promise<Result<undefined>> {
  const { home, bus, model, projects, config } = context;
  const refreshed = await model.refresh();
  if (!refreshed.ok) return refreshed;
  const open = model.open();
  const until = request.runs === undefined ? null : request.runs.filter((id) => open.includes(id));
  if (until !== null && until.length === 0) return success();
  const log = fileLog(engineLogFile(home));
  context.programs.start(log);
  const git = await readGitVersion();
  if (!git.ok) return git;
  const { warning } = git.value;
  if (warning !== null) log('git-unpatched', { warning });
  if (warning !== null) request.onWarning?.(warning);
  const folds = new RunFolds(bus);
  const project: EngineParts['project'] = (id) => projects.parts(id);
  const common = { bus, folds, leaseMs: config.lease_ms, log };
  const outside = openOutsideTools(home, context.options.environment, log);
  const secrets = knownSecrets({ home, config, environment: context.options.environment });
  if (!secrets.ok) return secrets;
  const openEgress = egressService({ bus, secrets: secrets.value });
  const host = await openLocalHost(context, project, { ...common, openEgress }, outside);
  if (!host.ok) return host;
  const isServed = request.serve === true || bus.capabilities().crossMachine;
  const minds = mindsOf(context, common);
  const serveHosts = isServed
    ? () => serve({ home, config, project, log, spending: { ...common, folders: home }, minds }, request)
    : null;
  const makePlan = openPlanMaker(minds, minds);
  const reviewByModel = openModelReviewer({ ...minds, config });
  const opened = { makePlan, triage: openTriager(minds), reviewByModel, secrets: secrets.value };
  const turns = turnsOf(context);
  const parts: EngineParts = { ...common, ...opened, ...turns, home, project, host: host.value, serveHosts };
  const stop = new AbortController();
  const days = { runDays: config.retention_days, progressDays: config.progress_retention_days };
  const cleaning = keepClean({ home, model }, log, stop.signal);
  const retaining = keepRetention({ ...parts, model, now: Date.now, ...days }, stop.signal);
  try {
    const driven = await drive(parts, { open, until, signal: request.signal });
    const projected = await model.refresh();
    return driven.ok && !projected.ok ? projected : driven;
  } finally {
    stop.abort();
    await Promise.all([retaining, cleaning]);
    await host.value?.runner.close();
    await outside.close();
  }
}

/**
 * An engine that only lives for some runs goes on where another company of this machine has the port; one that was started to serve
 * hosts says so and ends.
 */
async function serve(options: HostServiceOptions, { runs, onServing }: DriveOptions): Promise<Result<HostService>> {
  const served = await serveWorkerHosts(options, onServing);
  if (served.ok || runs === undefined || served.error.code !== 'AC_API_LISTEN') return served;
  options.log('hosts-not-served', { error: served.error });
  return success({ close: async () => undefined });
}

function turnsOf({ options: { turns } }: DriveContext): Pick<EngineParts, 'turns'> {
  return turns === undefined ? {} : { turns };
}

/** How the models of runs are opened, paid and recorded on this machine. */
function mindsOf(
  { home, config, options }: DriveContext,
  { bus, folds, log }: Pick<HostParts, 'bus' | 'folds' | 'log'>,
): AttemptModelsOptions {
  return {
    home,
    config,
    environment: options.environment,
    ...(options.recording === undefined ? {} : { recording: options.recording }),
    openPurse: async (payer) => success(openRunPurse({ bus, folds, log }, payer)),
    onUnrecorded: (error) => log('exchange-not-recorded', { error }),
  };
}

/** The worker host beside the engine; none where all work is done elsewhere. */
async function openLocalHost(
  context: DriveContext,
  project: EngineParts['project'],
  common: Pick<HostParts, 'bus' | 'folds' | 'leaseMs' | 'log' | 'openEgress'>,
  outside: OutsideTools,
): Promise<Result<HostParts | null>> {
  const { home, config, options, onDurableStep } = context;
  if (!config.local_workers) return success(null);
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const { installation, environment } = options;
  const dind = dindOfHome(home, { instance: instance.value, installation, config });
  const say = (line: string): void => common.log('image-build', { line });
  const workers = {
    instance: instance.value,
    installation,
    environment,
    config,
    dind,
    caches: config.package_caches,
    companyHome: home.root,
  };
  const keeping = {
    maximumWorkers: config.max_workers,
    warmWorkers: config.warm_workers,
    checkoutsFolder: home.checkoutsFolder,
    log: common.log,
  };
  const runner = await openWorkers({ ...workers, onDurableStep, say, keeping });
  if (!runner.ok) return runner;
  const proven = await requireProof({ workers, place: homeProofPlace(home) }, common.log);
  if (!proven.ok) return proven;
  return success({
    ...common,
    folders: home,
    instance: instance.value,
    hostId: `host-${randomUUID()}`,
    runner: runner.value,
    repositories: localRepositories(project),
    openServices: attemptServices({
      ...common,
      folders: home,
      openModels: paidModels(mindsOf(context, common), { ...common, folders: home }),
      outsideTools: (projectId) => outside.forProject(projectId),
    }),
    ...turnsOf(context),
    maximumWorkers: config.max_workers,
    tell: () => undefined,
  });
}
