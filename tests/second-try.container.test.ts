import { unwrap } from '@agentcompany/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { openTestCompany, planOf } from './support/open-test-company.ts';

/** Misbehaves where nothing is known of an earlier attempt. */
const atFirst = (misbehaviour: string, file: string): string =>
  `if [ -n "$AGENTCOMPANY_FEEDBACK" ]; then grep -o 'AC_WORK[A-Z_]*' "$AGENTCOMPANY_FEEDBACK" | head -n 1 > ${file}; else ${misbehaviour}; fi`;

it('S8 S20 a worker that took too much memory, or stopped itself, is destroyed, and its task given out again with the reason', async () => {
  const { company, dispose } = await openTestCompany({ flags: { worker_memory_limit: '300m', max_attempts: 2 } });
  onTestFinished(dispose);
  const tasks = {
    greedy: atFirst("perl -e 'push @all, qq(a) x 16_777_216 while 1'", 'greedy.txt'),
    stopped: atFirst('kill -STOP $PPID; sleep 600', 'stopped.txt'),
  };
  const plan = planOf(Object.entries(tasks).map(([id, command]) => ({ id, run: { command }, timeout: 900 })));
  const { runId } = unwrap(await company.submit({ projectId: 'app', instruction: 'Try', plan }));
  unwrap(await company.drive({ runs: [runId], signal: AbortSignal.timeout(110_000) }));
  const run = unwrap(await company.showRun(runId));
  const attempts = run.task_list.map((task) => task.attempts.map(({ state, error }) => [state, error?.code ?? null]));
  expect(attempts).toEqual([
    [
      ['rejected', 'AC_WORK_MEMORY'],
      ['ingested', null],
    ],
    [
      ['rejected', 'AC_WORKER_SILENT'],
      ['ingested', null],
    ],
  ]);
  expect(run.state).toBe('published');
});
