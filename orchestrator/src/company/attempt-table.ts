import type { AttemptState } from './states.ts';
import type { StateTable } from './transitions.ts';

const ends = { attempt_lost: ['lost'], task_failed: ['rejected'] } as const;

/** An attempt's life (DESIGN §5): the container's effect starts it, the ingest's effect ends it. */
export const attemptTable: StateTable<AttemptState> = {
  none: { attempt_started: ['leased'] },
  leased: { ...ends, effect_request: ['starting'] },
  starting: { ...ends, effect_result: ['working'] },
  working: { ...ends, task_complete: ['delivered'] },
  delivered: { effect_result: ['ingested', 'rejected'] },
  ingested: {},
  rejected: {},
  lost: {},
};
