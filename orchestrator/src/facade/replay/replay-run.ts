import { failure, success, type Result } from '@agentcompany/protocol';
import type { Company } from '../../company-facade.ts';
import type { Run } from '../../company/records.ts';
import type { Config, Environment } from '../../config.ts';
import { treeOf } from '../../git/replay-source.ts';
import type { Miss } from '../../models/recorded/recording.ts';
import { openCompany } from '../../open-company.ts';
import { openProjects } from '../../open-projects.ts';
import { facadeErrors } from '../errors.ts';
import { answerAsRecorded } from './answer-as-recorded.ts';
import { compareRuns, type ComparedFact } from './compare-runs.ts';
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
    return replayed.ok ? await report(options, recorded.value, { place, mirrorFolder, run: replayed.value }) : replayed;
  } finally {
    await place.dispose();
  }
}

async function carryOut(options: ReplayOptions, recorded: RecordedRun, place: ReplayPlace): Promise<Result<Run>> {
  const { environment, installation, signal } = options;
  const { run, recording, entries } = recorded;
  const turns = new RecordedTurns(readTurns(entries));
  const { home, config, runId } = place;
  const opened = await openCompany(home, { environment, installation, config, recording, turns });
  if (!opened.ok) return opened;
  const again = opened.value;
  const over = new AbortController();
  const answering = answerAsRecorded(again, runId, recorded, over.signal);
  try {
    const driven = await again.drive({ runs: [runId], signal });
    if (!driven.ok) return driven;
    const folded = await foldRun(again, runId);
    const problem = 'what came of it cannot be read';
    return folded === null ? failure(facadeErrors.AC_REPLAY_UNREADY({ run: run.id, problem })) : success(folded.run);
  } finally {
    over.abort();
    await answering;
    await again.close();
  }
}

interface Replayed {
  readonly place: ReplayPlace;
  /** Of the project in the company that holds the run. */
  readonly mirrorFolder: string;
  readonly run: Run;
}

async function report(
  { config, keep }: ReplayOptions,
  { run, recording }: RecordedRun,
  { place, mirrorFolder, run: replayed }: Replayed,
): Promise<Result<ReplayReport>> {
  const project = await openProjects(place.home, config).parts(replayed.projectId);
  if (!project.ok) return project;
  const before = await tipTree(mirrorFolder, run);
  if (!before.ok) return before;
  const after = await tipTree(project.value.repositories.mirrorFolder, replayed);
  if (!after.ok) return after;
  const facts = compareRuns({ run, tree: before.value }, { run: replayed, tree: after.value });
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

async function tipTree(mirrorFolder: string, { tipOid }: Run): Promise<Result<string | null>> {
  return tipOid === null ? success(null) : treeOf(mirrorFolder, tipOid);
}
