import type { EgressReason, EgressRule, EgressSettings } from '@agentcompany/protocol';

/** What one attempt has sent and received, in all and by rule: a host that is asked over many connections counts once. */
export class ByteBudget {
  readonly #settings: EgressSettings;
  readonly #spent = new Map<EgressRule | null, { upload: number; download: number }>();

  constructor(settings: EgressSettings) {
    this.#settings = settings;
  }

  /** Takes bytes; false where that many are no longer left, and nothing is taken then. */
  take(rule: EgressRule, way: Extract<EgressReason, 'upload' | 'download'>, bytes: number): boolean {
    if (bytes > this.left(rule, way)) return false;
    this.#of(null)[way] += bytes;
    this.#of(rule)[way] += bytes;
    return true;
  }

  left(rule: EgressRule, way: 'upload' | 'download'): number {
    const own = rule[`${way}_bytes`] ?? Infinity;
    return Math.min(this.#settings[`${way}_bytes`] - this.#of(null)[way], own - this.#of(rule)[way]);
  }

  #of(rule: EgressRule | null): { upload: number; download: number } {
    const known = this.#spent.get(rule) ?? { upload: 0, download: 0 };
    this.#spent.set(rule, known);
    return known;
  }
}
