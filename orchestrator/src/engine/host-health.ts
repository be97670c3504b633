import type { AppError } from '@agentcompany/protocol';
import { failuresInARow, healthScore, isUnfit, rememberedOutcomes } from './health-score.ts';

const usualCooldownMs = 30_000;

/** What has failed too often to be given work. */
export interface SetAside {
  readonly subject: string;
  readonly score: number;
  /** In a row. */
  readonly failures: number;
  readonly cooldownMs: number;
  /** The last failure. */
  readonly error: AppError;
}

export interface HostHealthOptions {
  /** Told each time a subject is set aside anew, not of each failed try after that. */
  readonly onSetAside: (setAside: SetAside) => void;
  readonly cooldownMs?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

interface Conduct {
  outcomes: readonly boolean[];
  /** When it may be tried again; null: it is fit. */
  nextTry: number | null;
}

/** The subject that stands for the worker host as a whole. */
export const wholeHost = 'worker host';

/** The subject that stands for an image, by its id; null is the worker image. */
export function imageSubject(image: string | null): string {
  return `image ${image?.slice(0, 19) ?? 'of workers'}`;
}

/**
 * Who may be given work (C15). A host or an image that fails too often is set aside for a while; then one try is let through in each
 * cooldown until one goes well. It lives in memory: a host that was started anew is tried anew.
 */
export class HostHealth {
  readonly #conducts = new Map<string, Conduct>();
  readonly #onSetAside: HostHealthOptions['onSetAside'];
  readonly #cooldownMs: number;
  readonly #now: () => number;

  constructor({ onSetAside, cooldownMs = usualCooldownMs, now = () => performance.now() }: HostHealthOptions) {
    this.#onSetAside = onSetAside;
    this.#cooldownMs = cooldownMs;
    this.#now = now;
  }

  /** Milliseconds until the subject may be given work; at 0 it is, and where it is set aside that was the one try of this cooldown. */
  pauseMs(subject: string): number {
    const conduct = this.#conducts.get(subject);
    if (conduct === undefined || conduct.nextTry === null) return 0;
    const now = this.#now();
    if (now < conduct.nextTry) return conduct.nextTry - now;
    conduct.nextTry = now + this.#cooldownMs;
    return 0;
  }

  /** Notes how work went, as far as it depended on the subject; null: well. */
  note(subject: string, error: AppError | null): void {
    const known = this.#conducts.get(subject);
    const outcomes = [...(known?.outcomes ?? []), error === null].slice(-rememberedOutcomes);
    if (error === null || !isUnfit(outcomes)) {
      this.#conducts.set(subject, { outcomes, nextTry: error === null ? null : (known?.nextTry ?? null) });
      return;
    }
    this.#conducts.set(subject, { outcomes, nextTry: this.#now() + this.#cooldownMs });
    if (known !== undefined && known.nextTry !== null) return;
    const [score, failures] = [healthScore(outcomes), failuresInARow(outcomes)];
    this.#onSetAside({ subject, score, failures, cooldownMs: this.#cooldownMs, error });
  }
}
