import { success, type CommandReport, type WorkReport } from '@agentcompany/protocol';
import type { WorkerJob, WorkerOutcome, WorkerRunner } from '../../orchestrator/src/containers/worker-runner.ts';
import { chance } from './seeded.ts';

function reportOf(command: string, exitCode: number): CommandReport {
  return { command, exit_code: exitCode, duration_ms: 1, output: '' };
}

/** Workers without containers: each task is done at once; some fail at their first try and say so. */
export function pretendedRunner(seed: number): WorkerRunner {
  return {
    run: async (job) => {
      const created = await job.onCreated(`container-${job.owner.attempt}`);
      return created.ok ? success(outcomeOf(job, seed)) : created;
    },
    pinImage: async () => success('sha256:image'),
    sweep: async () => success(0),
    close: async () => undefined,
  };
}

function outcomeOf({ order, owner }: WorkerJob, seed: number): WorkerOutcome {
  const verify = order.verify.map((command) => reportOf(command, 0));
  if (order.kind !== 'task') {
    return { report: { outcome: 'done', commit: null, tree: null, agent: null, verify, error: null }, bundle: null };
  }
  const isFailing = order.feedback === null && chance(seed, 'fail', owner.run, owner.task) < 0.03;
  if (isFailing) {
    const error = {
      code: 'AC_VERIFY_FAILED',
      message: 'a check is red',
      cause: null,
      remedy: 'Mend it.',
      retry: 'now' as const,
    };
    const report: WorkReport = {
      outcome: 'failed',
      commit: null,
      tree: null,
      agent: reportOf('work', 0),
      verify: [reportOf('check', 1)],
      error,
    };
    return { report, bundle: null };
  }
  const { attempt } = owner;
  return {
    report: {
      outcome: 'done',
      commit: `commit-${attempt}`,
      tree: `tree-${attempt}`,
      agent: reportOf('work', 0),
      verify,
      error: null,
    },
    bundle: { sha256: 'ab'.repeat(32), bytes: 1 },
  };
}
