import type { ProcessOutcome, ProcessRequest } from '../capped-process.ts';

/** What the engine's process asks of the one that starts programs. Descriptors are numbers of the engine's own. */
export interface ProgramOrder {
  readonly id: number;
  readonly request: ProcessRequest;
}

/** What the process that starts programs answers. */
export type ProgramNews =
  /** Sent once; `readsDescriptors`: it can open what the engine has open. */
  | { readonly event: 'ready'; readonly pid: number; readonly readsDescriptors: boolean }
  | { readonly event: 'started'; readonly id: number; readonly group: number }
  | { readonly event: 'ended'; readonly id: number; readonly outcome: ProcessOutcome };
