import type { PayloadOf } from '@agentcompany/protocol';
import { companyErrors } from '../errors.ts';
import { freeId } from '../free-id.ts';
import type { MergeRecord, Run } from '../records.ts';
import { effectRequest, record, runState, type Draft } from './draft.ts';
import { reportFinding } from './failure-feedback.ts';
import { integrateOrPublish } from './publication.ts';
import { verificationCommands } from './verification-commands.ts';

/**
 * Verification of the joined result (DESIGN §5): red is run once more (green then = flaky, on record), then the base alone
 * (red = the base is broken), then the merges are bisected to the guilty task, which reopens.
 */
export function decideVerification(run: Run): readonly Draft[] {
  const tip = run.tipOid ?? '';
  if (verificationCommands(run).length === 0) return integrateOrPublish(run);
  const outcomes = outcomesOf(run, tip);
  const last = outcomes.at(-1);
  if (last === undefined) return requestVerification(run, tip);
  if (last.outcome === 'green') return integrateOrPublish(run);
  if (last.outcome === 'unavailable') return unavailable(last);
  if (outcomes.filter(({ outcome }) => outcome === 'red').length < 2) return requestVerification(run, tip);
  return findGuilty(run);
}

function outcomesOf(run: Run, oid: string): readonly PayloadOf<'verify_result'>[] {
  return run.verifications.get(oid)?.outcomes ?? [];
}

/** The checks could not be run at all: a person mends what the error names, and the checks run again. */
function unavailable({ error }: PayloadOf<'verify_result'>): readonly Draft[] {
  const known = error ?? companyErrors.AC_STEP_UNDELIVERABLE({ message: 'the checks could not be run' });
  return [runState('needs_attention', 'checks unavailable', known)];
}

function requestVerification(run: Run, oid: string): readonly Draft[] {
  const key = `run/${run.id}/verify/${oid}/${outcomesOf(run, oid).length + 1}`;
  const known = run.effects.get(key);
  if (known !== undefined) return [];
  return [
    effectRequest({ kind: 'verify', key, oid, commands: [...verificationCommands(run)], image: run.settings.image }),
  ];
}

function findGuilty(run: Run): readonly Draft[] {
  const base = run.baseOid ?? '';
  const baseOutcome = outcomesOf(run, base).at(-1);
  if (baseOutcome === undefined) return requestVerification(run, base);
  if (baseOutcome.outcome === 'unavailable') return unavailable(baseOutcome);
  if (baseOutcome.outcome === 'red') return [runState('needs_attention', 'base_red', companyErrors.AC_BASE_RED())];
  let good = -1;
  let bad = run.merges.length - 1;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    const outcome = outcomesOf(run, run.merges[middle]?.tip ?? '').at(-1);
    if (outcome === undefined) return requestVerification(run, run.merges[middle]?.tip ?? '');
    if (outcome.outcome === 'unavailable') return unavailable(outcome);
    if (outcome.outcome === 'green') good = middle;
    else bad = middle;
  }
  return reopen(run, run.merges[bad]);
}

function reopen(run: Run, guilty: MergeRecord | undefined): readonly Draft[] {
  const task = run.tasks.get(guilty?.taskId ?? '');
  if (task === undefined) return [runState('needs_attention', 'base_red', companyErrors.AC_BASE_RED())];
  if (run.reopenings >= run.settings.max_attempts) {
    return [
      runState('needs_attention', 'verification_red', companyErrors.AC_VERIFICATION_RED({ rounds: run.reopenings })),
    ];
  }
  const reports = outcomesOf(run, run.tipOid ?? '').at(-1)?.reports ?? [];
  const { spec } = task;
  return [
    record('plan_revision', {
      revision: run.revision + 1,
      reason: `the joined result is red since ${spec.id}`,
      add: [{ ...spec, id: freeId(run, `${spec.id.replace(/-fix(-\d+)?$/, '').slice(0, 50)}-fix`), depends_on: [] }],
      supersede: [],
      feedback: {
        reason: 'verification',
        message: `The checks fail on the joined result since this task was merged.`,
        findings: reports.filter((report) => report.exit_code !== 0).map(reportFinding),
      },
    }),
    runState('running', 'a task reopens'),
  ];
}
