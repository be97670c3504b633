import { Transform } from 'node:stream';
import type { EgressFact, EgressReason } from '@agentcompany/protocol';
import type { SecretFinder } from '../text/find-secrets.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { AllowedTarget } from './egress-rules.ts';
import type { EgressLimits } from './egress-limits.ts';
import type { EgressNetwork } from './network.ts';
import { Cut } from './refusal.ts';

/** What is said of one thing that happened in a connection; what is left out is nothing. */
export type Happening = Pick<EgressFact, 'event'> &
  Partial<Pick<EgressFact, 'method' | 'path' | 'status' | 'sent_bytes' | 'received_bytes' | 'reason'>>;

/** One connection that may be made: its target is allowed, its address was checked. */
export interface EgressConnection {
  readonly target: AllowedTarget;
  /** What is connected to; the name is not resolved again. */
  readonly address: string;
  readonly network: EgressNetwork;
  readonly budget: ByteBudget;
  readonly limits: EgressLimits;
  /** Aborted when the worker's side, or the whole way out, is closed. */
  readonly gone: AbortSignal;
  readonly findSecrets: SecretFinder;
  /** True when it is durable. */
  readonly note: (happening: Happening) => Promise<boolean>;
  /** False where the attempt has asked as often as it may. */
  readonly countRequest: () => boolean;
}

/** Lets bytes through as they come, no faster than they are taken, until there are too many. */
export function metered(
  { budget, target }: Pick<EgressConnection, 'budget' | 'target'>,
  way: Extract<EgressReason, 'upload' | 'download'>,
  onBytes: (count: number) => void,
): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (!budget.take(target.rule, way, chunk.length)) return done(new Cut(way));
      onBytes(chunk.length);
      return done(null, chunk);
    },
  });
}

/** Resolves when a signal is aborted. */
export function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
