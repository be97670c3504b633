import { setTimeout } from 'node:timers/promises';
import { openBus } from '@agentcompany/agent-bus';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { Company } from '../../company-facade.ts';
import type { Run } from '../../company/records.ts';
import type { Config, Environment } from '../../config.ts';
import { RunFolds } from '../../engine/run-folds.ts';
import { treeOf } from '../../git/replay-source.ts';
import type { Miss } from '../../models/recorded/recording.ts';
import { busOptions } from '../../home-bus.ts';
import { openCompany } from '../../open-company.ts';
import { openProjects } from '../../open-projects.ts';
import { facadeErrors } from '../errors.ts';
import { ActsAgain } from './acts-again.ts';
import { compareRuns, type ComparedFact } from './compare-runs.ts';
import { PeopleAgain } from './people-again.ts';
import { putAct } from './put-act.ts';
import { RecordedTurns, readTurns } from './recorded-turns.ts';
import { prepareReplay, type ReplayPlace } from './prepare-replay.ts';
import { foldRun, readRecordedRun, type RecordedRun } from './recorded-run.ts';

export type { ComparedFact } from './compare-runs.ts';

export interface ReplayOptions {
  /** The company that holds the run. */
  readonly company: Company;
  readonly config: Config;
  readonly environment: Environment;
  readonly installation: string;
  /** Where the home of the replay is made and kept; null: it is removed in the end. */
  readonly keep: string | null;
  readonly signal: AbortSignal;
  /** Told once all is prepared. */
  readonly onStart?: (run: { readonly runId: string; readonly exchanges: number }) => void;
}

/** How a run went the second time. */
export interface ReplayReport {
  readonly run_id: string;
  /** The run's id in the home of the replay. */
  readonly replay_id: string;
  /** Null: it is gone. */
  readonly folder: string | null;
  readonly same: boolean;
  readonly facts: readonly ComparedFact[];
  readonly exchanges: { readonly recorded: number; readonly used: number };
  /** The first request to a model that was not recorded. */
  readonly first_unrecorded: Miss | null;
}

/**
 * Carries a run out again in a fresh home: the same instruction, settings, agents and base; containers really work, models answer from the
 * recording, people as they did. Says where the two differ. Errors: those of `readRecordedRun`, `AC_PROJECT_UNKNOWN`, `AC_REPLAY_FOLDER`,
 * those of git, the bus and the container engine.
 */
export async function replayRun(options: ReplayOptions, id: string): Promise<Result<ReplayReport>> {
  const { company, config, keep } = options;
  const recorded = await readRecordedRun(company, id);
  if (!recorded.ok) return recorded;
  const project = await openProjects(company.home, config).parts(recorded.value.run.projectId);
  if (!project.ok) return project;
  const { mirrorFolder } = project.value.repositories;
  const prepared = await prepareReplay(recorded.value, { keep, mirrorFolder, config });
  if (!prepared.ok) return prepared;
  const place = prepared.value;
  try {
    options.onStart?.({ runId: recorded.value.run.id, exchanges: recorded.value.recording.size });
    const replayed = await carryOut(options, recorded.value, place);
    return replayed.ok ? await report(options, recorded.value, { place, mirrorFolder, ...replayed.value }) : replayed;
  } finally {
    await place.dispose();
  }
}

/** Milliseconds between two looks at whether anything still moves. */
const lookMs = 500;

interface CarriedOut {
  readonly run: Run;
  readonly acts: ActsAgain;
}

async function carryOut(
  options: ReplayOptions,
  recorded: RecordedRun,
  place: ReplayPlace,
): Promise<Result<CarriedOut>> {
  const store = busOptions(place.home, place.config);
  if (!store.ok) return store;
  const bus = await openBus(store.value);
  if (!bus.ok) return bus;
  const { runId } = place;
  const folds = new RunFolds(bus.value);
  const acts = new ActsAgain(recorded.acts, (act) => putAct({ bus: bus.value, folds, runId }, act));
  const turns = new RecordedTurns(readTurns(recorded.entries), acts);
  recorded.recording.beforeAnswer((digest) => acts.asked(digest));
  const over = new AbortController();
  const looking = lookAfter(turns, folds, runId, over.signal);
  try {
    return await withPeople(options, recorded, { place, acts, turns });
  } finally {
    over.abort();
    await looking;
    await bus.value.close();
  }
}

/** An agent that waits for its model asks nobody for its turn: that nothing moves has to be noticed besides. */
async function lookAfter(turns: RecordedTurns, folds: RunFolds, runId: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const run = await folds.refresh(runId);
    if (run.ok && run.value !== null && turns.isHolding(run.value)) turns.look(run.value);
    await setTimeout(lookMs, undefined, { signal }).catch(() => undefined);
  }
}

interface Again {
  readonly place: ReplayPlace;
  readonly acts: ActsAgain;
  readonly turns: RecordedTurns;
}

async function withPeople(
  { environment, installation, signal }: ReplayOptions,
  recorded: RecordedRun,
  { place, acts, turns }: Again,
): Promise<Result<CarriedOut>> {
  const { run, recording } = recorded;
  const { home, config, runId } = place;
  const opened = await openCompany(home, { environment, installation, config, recording, turns });
  if (!opened.ok) return opened;
  const again = opened.value;
  const over = new AbortController();
  const people = new PeopleAgain(again, runId, recorded, acts);
  const following = people.follow(over.signal);
  try {
    const driven = await driveToItsEnd(again, runId, { people, acts, signal });
    if (!driven.ok) return driven;
    const folded = await foldRun(again, runId);
    const problem = 'what came of it cannot be read';
    return folded === null
      ? failure(facadeErrors.AC_REPLAY_UNREADY({ run: run.id, problem }))
      : success({ run: folded.run, acts });
  } finally {
    over.abort();
    await following;
    await again.close();
  }
}

/** A run that stands still goes on as long as people have something to do about it. What never had its moment is tried in the end. */
async function driveToItsEnd(
  again: Company,
  runId: string,
  { people, acts, signal }: { readonly people: PeopleAgain; readonly acts: ActsAgain; readonly signal: AbortSignal },
): Promise<Result<undefined>> {
  for (;;) {
    const before = acts.done;
    const driven = await again.drive({ runs: [runId], signal });
    if (!driven.ok || signal.aborted) return driven;
    await people.catchUp();
    if (acts.done === before) await acts.giveUp();
    if (acts.done === before) return driven;
  }
}

interface Replayed {
  readonly place: ReplayPlace;
  /** Of the project in the company that holds the run. */
  readonly mirrorFolder: string;
  readonly run: Run;
  readonly acts: ActsAgain;
}

async function report(
  { config, keep }: ReplayOptions,
  { run, recording }: RecordedRun,
  { place, mirrorFolder, run: replayed, acts }: Replayed,
): Promise<Result<ReplayReport>> {
  const project = await openProjects(place.home, config).parts(replayed.projectId);
  if (!project.ok) return project;
  const before = await tipTree(mirrorFolder, run);
  if (!before.ok) return before;
  const after = await tipTree(project.value.repositories.mirrorFolder, replayed);
  if (!after.ok) return after;
  const course = compareRuns({ run, tree: before.value }, { run: replayed, tree: after.value });
  const facts = [...actFacts(acts), ...course];
  const [first = null] = recording.misses;
  return success({
    run_id: run.id,
    replay_id: replayed.id,
    folder: keep === null ? null : place.folder,
    same: first === null && facts.every(({ same }) => same),
    facts,
    exchanges: { recorded: recording.size, used: recording.used },
    first_unrecorded: first,
  });
}

/** What people did, and whether the run took it again. */
function actFacts(acts: ActsAgain): readonly ComparedFact[] {
  return acts.outcomes.map(({ act: { label }, outcome }) => {
    const replayed = outcome ?? 'not reached';
    return { what: label, recorded: 'taken', replayed, same: replayed === 'taken' };
  });
}

async function tipTree(mirrorFolder: string, { tipOid }: Run): Promise<Result<string | null>> {
  return tipOid === null ? success(null) : treeOf(mirrorFolder, tipOid);
}
