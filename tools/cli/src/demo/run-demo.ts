import path from 'node:path';
import type { Company, RunView } from '@agentcompany/orchestrator';
import { success, type Result } from '@agentcompany/protocol';
import type { Context } from '../context.ts';
import { isOver, runError, runExitCode } from '../run-outcome.ts';
import { takeDemoFolder, type DemoFolder, type DemoPlace } from './demo-folder.ts';
import { giveMinds } from './demo-minds.ts';
import { demoPlan } from './demo-plan.ts';
import { cliCommand, printDemoReport } from './demo-report.ts';
import { DemoTimeline, timelineText } from './demo-timeline.ts';
import { demoErrors } from './errors.ts';
import { makeRepository } from './make-repository.ts';
import { fetchPackage, type FetchedPackage } from './package-cache.ts';
import { parsePackageName, type PackageName } from './package-name.ts';
import { surveyPackage, type PackageSurvey } from './package-survey.ts';
import { unpack } from './unpack.ts';

export interface DemoOptions {
  /** NAME@VERSION of a published package. */
  readonly package: string;
  /** Whether the first draft of one task has a mistake that its own check finds. */
  readonly withFlaw: boolean;
  /** Whether models plan, review and carry tasks out besides; `model` is a real one's name, null for the scripted one. */
  readonly minds: { readonly model: string | null } | null;
  /** Sets what an earlier demo left aside instead of removing it. */
  readonly keep: boolean;
  /** Folder for all that the demo makes. */
  readonly folder: string;
}

/** Workers at once: what conflicts must have started on the same commit. */
const workers = 3;
const projectId = 'demo';
const timelineWidth = 80;
/** Milliseconds after an interrupt in which another one changes nothing: one Ctrl-C may arrive more than once. */
const patienceMs = 5000;

/**
 * Carries one plan on a real package from instruction to pull request, and shows how; resolves to the exit code.
 * An interrupt ends it with 130 once its containers are gone; one that comes much later does not wait for them.
 */
export async function runDemo(options: DemoOptions, context: Context): Promise<number> {
  const stop = new AbortController();
  const { promise: forced, resolve: force } = Promise.withResolvers<void>();
  let interruptedAt: number | null = null;
  const release = context.io.onInterrupt(() => {
    interruptedAt ??= performance.now();
    if (performance.now() - interruptedAt >= patienceMs) force();
    else if (!stop.signal.aborted) context.talk('Stopping: waiting until the containers are gone.');
    stop.abort();
  }, Infinity);
  const command = `${cliCommand(context, path.join(options.folder, 'home'))} resume`;
  const interrupted = (detail: string): number => context.fail(demoErrors.AC_DEMO_INTERRUPTED({ detail, command }));
  const work = async (): Promise<number> => {
    const code = await prepareAndRun(options, context, stop.signal);
    return code ?? interrupted('; none of its containers is left');
  };
  try {
    return await Promise.race([
      work(),
      forced.then(() => interrupted('; the next demo removes what is left of its containers')),
    ]);
  } finally {
    release();
  }
}

/** Resolves to the exit code, null where an interrupt cut the work short in good order. */
async function prepareAndRun(options: DemoOptions, context: Context, signal: AbortSignal): Promise<number | null> {
  const name = parsePackageName(options.package);
  if (!name.ok) return context.fail(name.error);
  const folder = await takeDemoFolder(options.folder);
  if (!folder.ok) return context.fail(folder.error);
  try {
    const prepared = await prepare(options, context, signal, name.value, folder.value);
    // What was cut short by an interrupt is no failure of its own.
    if (signal.aborted) return null;
    return prepared.ok ? await openAndRun(options, context, signal, prepared.value) : context.fail(prepared.error);
  } finally {
    folder.value.release();
  }
}

interface Prepared {
  readonly name: PackageName;
  readonly fetched: FetchedPackage;
  readonly place: DemoPlace;
  readonly survey: PackageSurvey;
}

/** The package as a repository, and the repository as the project of a fresh company; an earlier demo is touched once the package is there. */
async function prepare(
  options: DemoOptions,
  context: Context,
  signal: AbortSignal,
  name: PackageName,
  folder: DemoFolder,
): Promise<Result<Prepared>> {
  const { environment, cwd } = context.io;
  context.talk(`Taking the published source of ${name.id}.`);
  const fetched = await fetchPackage(name, { cacheFolder: folder.cache, environment, signal });
  if (!fetched.ok) return fetched;
  const room = await folder.makeRoom(options.keep);
  if (!room.ok) return room;
  const { home, repository } = room.value;
  const unpacked = await unpack(name.id, fetched.value.file, repository);
  if (!unpacked.ok) return unpacked;
  const survey = await surveyPackage(name.id, repository);
  if (!survey.ok) return survey;
  const message = `${name.id} as published\n\n${fetched.value.integrity}`;
  const made = await makeRepository({ folder: repository, message, environment, signal });
  if (!made.ok) return made;
  const { addProject } = await import('@agentcompany/orchestrator/projects');
  const added = addProject(home, { id: projectId, name: name.id, path: repository, cwd, defaultBranch: 'main' });
  return added.ok ? success({ name, fetched: fetched.value, place: room.value, survey: survey.value }) : added;
}

async function openAndRun(
  options: DemoOptions,
  context: Context,
  signal: AbortSignal,
  prepared: Prepared,
): Promise<number | null> {
  const { place, name, survey, fetched } = prepared;
  const scriptsFolder = path.join(context.io.checkout, 'tools', 'cli', 'src', 'demo', 'scripts');
  const plan = await demoPlan({ name, survey, scriptsFolder, withFlaw: options.withFlaw });
  const { minds } = options;
  const instruction =
    minds === null ? plan.title : await giveMinds(place.home, { plan, packageName: name.name, model: minds.model });
  const { environment, checkout } = context.io;
  const { loadConfig } = await import('@agentcompany/orchestrator/config');
  const loaded = loadConfig({ home: place.home, environment, flags: { max_workers: workers } });
  if (!loaded.ok) return context.fail(loaded.error);
  const { config } = loaded.value;
  const company = await context.io.openCompany(place.home, { environment, installation: checkout, config });
  if (!company.ok) return context.fail(company.error);
  try {
    const submitted = await company.value.submit({ projectId, instruction, plan: minds === null ? plan : null });
    if (!submitted.ok) return context.fail(submitted.error);
    const { runId } = submitted.value;
    context.talk(`${plan.title}: ${announcement(options, plan.tasks.length)}`);
    const timeline = new DemoTimeline();
    const run = await driveAndShow(context, company.value, runId, timeline, signal);
    if (!run.ok) return context.fail(run.error);
    if (signal.aborted && !isOver(run.value.state)) return null;
    await printDemoReport(context, company.value, {
      name,
      integrity: fetched.integrity,
      place,
      run: run.value,
      events: timeline.events,
    });
    const error = await runError(run.value);
    if (error !== null) context.fail(error);
    return runExitCode(run.value, error);
  } finally {
    await company.value.close();
  }
}

function announcement({ minds }: DemoOptions, tasks: number): string {
  if (minds === null) return `${tasks} tasks, ${workers} workers; no model, no key.`;
  const opening = `${workers} workers; ${minds.model ?? 'a model'} plans, works and reviews.`;
  if (minds.model !== null) return opening;
  return `${opening}\nNo key: a script plays the model. Its words are fixed; gateway, door,\nagents, checks and containers are real.`;
}

/** Does the engine's work while the ledger is shown as it grows, then shows what is left of it. */
async function driveAndShow(
  context: Context,
  company: Company,
  runId: string,
  timeline: DemoTimeline,
  signal: AbortSignal,
): Promise<Result<RunView>> {
  const shown = new AbortController();
  let last = 0;
  const show = async (follow: boolean): Promise<void> => {
    for await (const entry of company.timeline(runId, { after: last, follow, signal: shown.signal })) {
      if (entry.stream !== runId) continue;
      last = entry.seq;
      const event = timeline.add(entry);
      if (event !== null && !context.json && !context.quiet)
        context.data(timelineText(event, context.style, timelineWidth));
    }
  };
  const following = show(true);
  const driven = await company.drive({ runs: [runId], signal });
  shown.abort();
  await following;
  await show(false);
  const run = await company.showRun(runId);
  return driven.ok || !run.ok ? run : driven;
}
