import type { Run } from './records.ts';
import type { RunState } from './states.ts';

/** Where the run stands in its course: of a paused run, where it goes on; what comes in meanwhile counts there. */
export function stageOf(run: Run): RunState {
  return run.state === 'paused' ? run.returnsTo : run.state;
}
