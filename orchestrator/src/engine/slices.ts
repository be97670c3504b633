import type { Limits } from '../company/records.ts';
import type { Amount } from '../models/purse.ts';

/** Why a slice is decided again: somebody else was quicker, or nobody knows, and the stream says how it stands. */
export const decidedAgain: ReadonlySet<string> = new Set(['AC_BUS_CONFLICT', 'AC_BUS_UNCERTAIN']);

/** Less than any price: what rounding leaves of a difference. */
const nothing = 1e-9;

/** What slices lack for one more request besides what they are committed to. */
export function lackOf(granted: Limits, committed: Amount, bound: Amount): { usd: number; tokens: number } {
  const lack = (limit: number | null, taken: number, more: number): number =>
    limit === null || taken + more - limit < nothing ? 0 : taken + more - limit;
  return {
    // What has no price is limited in tokens.
    usd: bound.usd === null ? 0 : lack(granted.usd, committed.usd ?? 0, bound.usd),
    tokens: lack(granted.tokens, committed.tokens, bound.tokens),
  };
}

/** Requests that one slice pays at their most, where there is much left: requests cost less than that, so it lasts for many. */
const requestsOfSlice = 2;
/** No slice is more than this part of what is left, unless the request needs it: attempts at work beside this one need some too. */
const partOfRest = 4;

/**
 * The slice that one more request needs of what is `free`; null: none, it is covered or not limited. Or what it lacks.
 */
export function nextSlice(
  free: Limits,
  granted: Limits | null,
  committed: Amount,
  bound: Amount,
): Limits | 'usd' | 'tokens' | null {
  if (free.usd === null && free.tokens === null) return null;
  const before = granted ?? { usd: 0, tokens: 0 };
  const lack = lackOf(before, committed, bound);
  const needs = { usd: free.usd === null ? 0 : lack.usd, tokens: free.tokens === null ? 0 : lack.tokens };
  if (needs.usd === 0 && needs.tokens === 0 && granted !== null) return null;
  if (needs.usd > (free.usd ?? 0) + nothing) return 'usd';
  if (needs.tokens > (free.tokens ?? 0)) return 'tokens';
  return {
    usd: free.usd === null ? null : sizeOf(needs.usd, bound.usd ?? 0, free.usd),
    tokens: free.tokens === null ? null : Math.ceil(sizeOf(needs.tokens, bound.tokens, free.tokens)),
  };
}

function sizeOf(need: number, request: number, free: number): number {
  if (need === 0) return 0;
  return Math.max(0, Math.min(free, Math.max(need, Math.min(requestsOfSlice * request, free / partOfRest))));
}
