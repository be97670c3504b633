import type { ProgressRequest, SelfReport, WorkOrder, WorkReport } from '@agentcompany/protocol';
import type { AttemptServices } from './attempt-services.ts';
import type { DoorLimits } from './door-limits.ts';
import type { MissingSign } from './liveness.ts';
import type { StoredUpload } from '../uploads/store-upload.ts';

/** What holds for a worker from its first byte, whatever it is to do. Its identity is the stream itself, never what it says. */
export interface DoorTerms {
  readonly limits: DoorLimits;
  /** What differs between the worker's confinement and what was asked; any difference and no order is given (S1). */
  readonly differences: (report: SelfReport) => Promise<readonly string[]> | readonly string[];
}

/** The one piece of work a worker is given through its door. */
export interface DoorWork {
  readonly order: WorkOrder;
  /** Absolute file the bundle goes to; null when none is expected. */
  readonly bundleFile: string | null;
  readonly onProgress: (message: string) => void;
  /** Told of every beat and progress, however many come. */
  readonly onSign?: ((sign: ProgressRequest) => void) | undefined;
  readonly services: AttemptServices;
}

/** Everything a door needs to know of the one worker behind it and its work. */
export interface DoorOptions extends DoorTerms, DoorWork {}

/** How a worker's work ended, as seen from the door. */
export type DoorEnd =
  | { readonly kind: 'reported'; readonly report: WorkReport; readonly bundle: StoredUpload | null }
  | { readonly kind: 'unconfined'; readonly differences: readonly string[] }
  | { readonly kind: 'garbage'; readonly problem: string; readonly cause: unknown }
  | { readonly kind: 'missing'; readonly sign: MissingSign }
  | { readonly kind: 'storage'; readonly file: string; readonly cause: unknown }
  /** The stream ended, cleanly or not, and nothing above explains it: see what the container says. */
  | { readonly kind: 'closed'; readonly cause: unknown };
