import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePayload, success, type Result } from '@agentcompany/protocol';
import { integrateBase, mergesAtOnce, mergeTask } from '../agents/merger/merger.ts';
import { planRun } from '../agents/manager/manager.ts';
import { triageTask } from '../agents/manager/triage-task.ts';
import { reviewTask } from '../agents/reviewer/reviewer.ts';
import { checkPlan } from '../company/plan-check.ts';
import type { Run } from '../company/records.ts';
import { stageOf } from '../company/stage.ts';
import { attemptEnds, type RunState } from '../company/states.ts';
import type { CallRecord } from '../models/model.ts';
import { consume, type ConsumerOptions, type Handle } from './consumer.ts';
import { decideForever, settle } from './decider.ts';
import { performEffect } from './effects.ts';
import { followLedgers } from './follow-ledgers.ts';
import { MessageLogs } from './message-logs.ts';
import type { EngineParts } from './parts.ts';
import { removeSpentCheckpoints } from './checkpoint-files.ts';
import { attemptOfBundle } from './run-files.ts';
import { writeRunReport } from './run-report.ts';
import { ProgressClock } from './progress-clock.ts';
import { RunReports } from './run-reports.ts';
import { settleJournalled } from './settlement.ts';
import { together } from './together.ts';
import { hostWorkers } from './worker-host.ts';

/** States in which a run waits for the outside or for a person, or has ended. */
const settled: ReadonlySet<RunState> = new Set(['published', 'completed', 'failed', 'cancelled', 'needs_attention']);

/** Effects in flight at once: ingests are mostly git at work. */
const effectConsumers = 2;
/** Reviews in flight at once: a model thinks for minutes. */
const reviewConsumers = 2;

export interface DriveRequest {
  /** Runs to go on with at the start: all that have not ended. */
  readonly open: readonly string[];
  /** Ends once all of these are settled; null: only when `signal` aborts. */
  readonly until: readonly string[] | null;
  readonly signal: AbortSignal;
}

/**
 * The engine at work: sweeps what a crash left, takes up every open run where its ledger stands, and runs the decider, the
 * agents, the effects and the worker host until told to stop. The first loop that fails stops all; its error is the result.
 */
export async function drive(parts: EngineParts, { open, until, signal }: DriveRequest): Promise<Result<undefined>> {
  const swept = await sweep(parts, open);
  if (!swept.ok) return swept;
  const followed = await followLedgers(parts, open);
  if (!followed.ok) return followed;
  const service = await parts.serveHosts?.();
  if (service?.ok === false) return service;
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);
  const waiting = until === null ? null : new Set(until);
  const reports = new RunReports((run) =>
    writeRunReport(parts.home, run).catch((cause: unknown) =>
      parts.log('report-failed', { run: run.id, cause: String(cause) }),
    ),
  );
  const messages = new MessageLogs(parts);
  messages.note();
  let removing = Promise.resolve();
  const onDecided = (run: Run): void => {
    reports.note(run);
    messages.note();
    if (!settled.has(run.state)) return;
    removing = removing.then(() => removeSpentFiles(parts, run));
    if (waiting === null) return;
    waiting.delete(run.id);
    if (waiting.size === 0) stop.abort();
  };
  const progress = new ProgressClock();
  const deciding = {
    bus: parts.bus,
    folds: parts.folds,
    leaseMs: parts.leaseMs,
    signal: stopping,
    log: parts.log,
    showsProgress: (attempt: string, seconds: number) => progress.showsProgress(attempt, seconds),
    onDecided,
  };
  const isHeld = isHeldBack(parts);
  const consumer = (queue: string, handle: Handle, atOnce = 1): Promise<Result<undefined>> =>
    consume({
      bus: parts.bus,
      folds: parts.folds,
      leaseMs: parts.leaseMs,
      log: parts.log,
      signal: stopping,
      queue,
      handle,
      isHeld,
      atOnce,
    });
  const start = (): readonly Promise<Result<undefined>>[] => [
    decideForever(deciding),
    consumer('manager', managing(parts)),
    ...Array.from({ length: reviewConsumers }, () => consumer('reviewer', reviewing(parts))),
    consumer('merger', merging(parts), mergesAtOnce),
    ...Array.from({ length: effectConsumers }, () =>
      consumer('effects', (run, delivery) => performEffect(parts, run, delivery)),
    ),
    ...(parts.host === null ? [] : [hostWorkers(parts.host, { drain: stopping, stop: stopping })]),
  ];
  const following = progress.follow(parts.bus, stopping);
  try {
    for (const id of open) {
      const decided = await settle(deciding, id);
      if (!decided.ok) return decided;
    }
    return await together(start(), stop);
  } finally {
    stop.abort();
    await following;
    await service?.value.close();
    await removing;
    await Promise.all([reports.finish(), messages.finish()]);
  }
}

function managing({ project: open, makePlan, triage, log }: EngineParts): Handle {
  return async (run, { envelope }, { signal, isLastTry }) => {
    const onCall = (call: CallRecord): void => log('model-called', { run: run.id, ...call });
    if (envelope.envelope_type === 'triage_request')
      return triageTask(run, { envelope, parts: { triage, onCall, signal, isLastTry } });
    if (stageOf(run) !== 'planning' || run.plan !== null) return success([]);
    const project = await open(run.projectId);
    if (!project.ok) return project;
    const { repositories } = project.value;
    return planRun(run, { repositories, checkPlan, makePlan, onCall, signal });
  };
}

function reviewing({ project: open, reviewByModel, log }: EngineParts): Handle {
  return async (run, { envelope }, handling) => {
    const project = await open(run.projectId);
    if (!project.ok) return project;
    const { repositories } = project.value;
    const onCall = (call: CallRecord): void => log('model-called', { run: run.id, ...call });
    return reviewTask(run, envelope, { repositories, reviewByModel, onCall, ...handling });
  };
}

function isHeldBack({ turns }: EngineParts): NonNullable<ConsumerOptions['isHeld']> {
  return (run, { envelope_type: type, context: { task_id: task = '' } }) => {
    switch (type) {
      case 'merge_request':
        return turns?.mayMerge(run, task) === false;
      case 'review_request':
        return turns?.mayGoOn(run, 'review', task) === false;
      case 'triage_request':
        return turns?.mayGoOn(run, 'triage', task) === false;
      default:
        return false;
    }
  };
}

function merging(parts: EngineParts): Handle {
  return async (run, { envelope }) => {
    const project = await parts.project(run.projectId);
    if (!project.ok) return project;
    if (envelope.envelope_type === 'merge_request') return mergeTask(run, envelope, project.value.repositories);
    const request = parsePayload('effect_request', envelope.payload);
    if (!request.ok) return request;
    const { effect } = request.value;
    if (effect.kind !== 'integrate' || run.effects.get(effect.key)?.done === true) return success([]);
    return integrateBase(run, effect, project.value.repositories);
  };
}

/** What a process that died left behind: containers of this home, quarantines, and bundles no open attempt still needs. */
async function sweep(parts: EngineParts, open: readonly string[]): Promise<Result<undefined>> {
  const containers = await parts.host?.runner.sweep(() => false);
  if (containers?.ok === false) return containers;
  const spending = { bus: parts.bus, folders: parts.home };
  const needed = new Set<string>();
  for (const id of open) {
    const run = await parts.folds.refresh(id);
    if (!run.ok) return run;
    const settledUp = run.value === null ? success() : await settleJournalled(spending, run.value);
    if (!settledUp.ok) return settledUp;
    // A host on another machine may be about to say that what it has handed over is complete.
    for (const attempt of run.value?.attempts.values() ?? [])
      if (!attemptEnds.has(attempt.state)) needed.add(attempt.id);
  }
  await emptyFolder(parts.home.bundlesFolder, (name) => needed.has(attemptOfBundle(name) ?? ''));
  // Only an engine ingests, and there is one: what lies in quarantine at its start is of one that died.
  await emptyFolder(parts.home.quarantineFolder, () => false);
  return success();
}

/** What hosts handed over for attempts that then were lost, and what ended tasks left to go on from, is asked for by nobody. What cannot be removed goes at the next start. */
async function removeSpentFiles({ home, log }: EngineParts, run: Run): Promise<void> {
  try {
    for (const name of await readdir(home.bundlesFolder)) {
      const attempt = run.attempts.get(attemptOfBundle(name) ?? '');
      if (attempt !== undefined && attemptEnds.has(attempt.state))
        await rm(join(home.bundlesFolder, name), { force: true });
    }
    await removeSpentCheckpoints(home, run);
  } catch (cause) {
    log('spent-not-removed', { run: run.id, cause: String(cause) });
  }
}

async function emptyFolder(folder: string, isNeeded: (name: string) => boolean): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    if (!isNeeded(name)) await rm(join(folder, name), { force: true, recursive: true });
  }
}
