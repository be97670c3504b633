/** The states of DESIGN §5, as data. */
export const runStates = [
  'pending',
  'planning',
  'awaiting_approval',
  'running',
  'verifying',
  'publishing',
  'published',
  'paused',
  'needs_attention',
  'cancelling',
  'completed',
  'failed',
  'cancelled',
] as const;
export type RunState = (typeof runStates)[number];

export const taskStates = [
  'pending',
  'ready',
  'assigned',
  'running',
  'quality_check',
  'in_review',
  'approved',
  'merging',
  'blocked',
  'awaiting_person',
  'cancelling',
  'merged',
  'failed',
  'cancelled',
] as const;
export type TaskState = (typeof taskStates)[number];

export const attemptStates = ['leased', 'starting', 'working', 'delivered', 'ingested', 'rejected', 'lost'] as const;
export type AttemptState = (typeof attemptStates)[number];

export const runEnds: ReadonlySet<RunState> = new Set(['completed', 'failed', 'cancelled']);
export const taskEnds: ReadonlySet<TaskState> = new Set(['merged', 'failed', 'cancelled']);
export const attemptEnds: ReadonlySet<AttemptState> = new Set(['ingested', 'rejected', 'lost']);

/** States in which a task moves on by itself: somebody is at work on it or it waits in a queue. */
export const tasksInMotion: readonly TaskState[] = [
  'ready',
  'assigned',
  'running',
  'quality_check',
  'in_review',
  'approved',
  'merging',
  'cancelling',
];
