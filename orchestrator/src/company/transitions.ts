import type { EnvelopeType } from '@agentcompany/protocol';

/**
 * A state table: for each state, the envelope types that move it and where to. Where a type leads to several states,
 * the envelope itself names one of them. A pair that is not in the table is refused (DESIGN §5).
 */
export type StateTable<State extends string> = Readonly<
  Record<State | 'none', Readonly<Partial<Record<EnvelopeType, readonly State[]>>>>
>;

/**
 * Where `type` moves a thing from `state` ('none' before it exists); `wanted` is the state the envelope names.
 * Null when the table does not allow it: the caller leaves the state as it is and counts a refusal.
 */
export function nextState<State extends string>(
  table: StateTable<State>,
  state: State | 'none',
  type: EnvelopeType,
  wanted?: string,
): State | null {
  const targets = table[state][type];
  if (targets === undefined) return null;
  if (wanted === undefined) return targets.length === 1 ? (targets[0] ?? null) : null;
  return targets.find((target) => target === wanted) ?? null;
}
