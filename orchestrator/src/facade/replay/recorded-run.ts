import { join } from 'node:path';
import { failure, parsePayload, success, type Envelope, type PayloadOf, type Result } from '@agentcompany/protocol';
import type { Company } from '../../company-facade.ts';
import { fold, openRun } from '../../company/fold.ts';
import type { Run } from '../../company/records.ts';
import type { RunState } from '../../company/states.ts';
import { runFolder } from '../../engine/run-files.ts';
import { readExchanges } from '../../exchange-files.ts';
import { Recording } from '../../models/recorded/recording.ts';
import { facadeErrors } from '../errors.ts';
import { readActs, type RecordedActs } from './recorded-acts.ts';

type Submission = PayloadOf<'task_submit'>;

/** All that is on record of a run and says how it went. */
export interface RecordedRun {
  readonly run: Run;
  readonly submission: Submission;
  readonly baseOid: string;
  readonly recording: Recording;
  /** All that its ledger holds, in order. */
  readonly entries: readonly Envelope[];
  /** What people did while it was under way. */
  readonly acts: RecordedActs;
}

/** A run that was cancelled, or is still under way, has no course that could be repeated. */
const repeatable: ReadonlySet<RunState> = new Set(['published', 'completed', 'failed', 'needs_attention']);

/** Reads a run from its ledger and its recording. Errors: `AC_RUN_UNKNOWN`, `AC_RUN_AMBIGUOUS`, `AC_REPLAY_UNREADY`, `AC_EXCHANGE_FILES`. */
export async function readRecordedRun(company: Company, id: string): Promise<Result<RecordedRun>> {
  const found = await company.showRun(id);
  if (!found.ok) return found;
  const { run_id: runId } = found.value;
  const refuse = (problem: string): Result<never> => failure(facadeErrors.AC_REPLAY_UNREADY({ run: runId, problem }));
  const folded = await foldRun(company, runId);
  if (folded === null) return refuse('its ledger cannot be read');
  const { run, entries } = folded;
  if (!repeatable.has(run.state)) return refuse(`it is ${run.state}`);
  const submission = parsePayload('task_submit', entries[0]?.payload);
  if (!submission.ok) return submission;
  if (run.baseOid === null) return refuse('it ended before it had a plan');
  const exchanges = await readExchanges(join(runFolder(company.home, runId), 'exchanges'));
  if (!exchanges.ok) return exchanges;
  const recording = new Recording(exchanges.value);
  const acts = readActs(entries, exchanges.value);
  return success({ run, submission: submission.value, baseOid: run.baseOid, recording, entries, acts });
}

/** The run as its ledger has it, and the ledger's entries; null where there is none. */
export async function foldRun(
  company: Company,
  runId: string,
): Promise<{ readonly run: Run; readonly entries: readonly Envelope[] } | null> {
  let run: Run | null = null;
  const entries: Envelope[] = [];
  const signal = new AbortController().signal;
  for await (const { seq, envelope } of company.timeline(runId, { after: 0, follow: false, signal })) {
    entries.push(envelope);
    if (run !== null) fold(run, seq, envelope);
    else run = openRun(envelope);
    if (run === null) return null;
  }
  return run === null ? null : { run, entries };
}
