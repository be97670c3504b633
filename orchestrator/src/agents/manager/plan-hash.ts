import { createHash } from 'node:crypto';
import type { Plan } from '@agentcompany/protocol';
import canonicalize from 'canonicalize';

/** sha256 of the RFC 8785 form of a plan: what an approval of it names. */
export function planHash(plan: Plan): string {
  return createHash('sha256')
    .update(canonicalize(plan) ?? '')
    .digest('hex');
}
