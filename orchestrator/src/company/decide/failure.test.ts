import { describe, expect, it } from 'vitest';
import { fold } from '../fold.ts';
import { assignmentId, attemptId, workingRun } from '../testing/examples.ts';
import { envelopeOf, errorOf } from '../testing/fixtures.ts';
import { decideTask } from './decide-task.ts';

describe('what a failed attempt leaves to the next', () => {
  it('is the error and all that its red checks printed', () => {
    const { run, task } = workingRun();
    const printed = `${'line\n'.repeat(400)}no export named 'version'`;
    const verify = [
      { command: 'make lint', exit_code: 0, duration_ms: 1, output: 'fine' },
      { command: 'make test', exit_code: 1, duration_ms: 1, output: printed },
    ];
    const failed = { attempt_id: attemptId, epoch: 1, error: errorOf('AC_VERIFY_FAILED'), agent: null, verify };
    fold(run, run.version + 1, envelopeOf('task_failed', failed, { taskId: 'a', attemptId, inReplyTo: assignmentId }));
    expect(run.refused).toBe(0);
    expect(decideTask(run, task)).toMatchObject([
      {
        type: 'task_retry',
        payload: {
          feedback: {
            reason: 'quality_failed',
            message: 'AC_VERIFY_FAILED: AC_VERIFY_FAILED happened',
            findings: [{ rule: 'make test', path: null, message: printed }],
          },
        },
      },
    ]);
  });
});
