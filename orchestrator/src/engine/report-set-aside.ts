import { newId, type Envelope } from '@agentcompany/protocol';
import { engineErrors } from './errors.ts';
import type { SetAside } from './host-health.ts';
import type { HostParts } from './host-parts.ts';

/** Why an `escalate` in the company's stream is there, by which readers know it. */
export const setAsideReason = 'set aside';

/** Tells that a host or an image is set aside (C15): in the log, to who watches, and on the company's own record. */
export function reportSetAside(parts: Pick<HostParts, 'bus' | 'hostId' | 'log' | 'tell'>, setAside: SetAside): void {
  const { subject, score, failures, cooldownMs, error: cause } = setAside;
  const details = { subject, failures, score: Math.round(score), seconds: Math.round(cooldownMs / 1000) };
  const error = engineErrors.AC_HOST_SET_ASIDE(details, cause);
  parts.log('set-aside', { error });
  parts.tell('set-aside', { error });
  const envelope: Envelope = {
    version: '1',
    id: newId(),
    sender: 'workers',
    recipient: 'president',
    envelope_type: 'escalate',
    payload: { reason: setAsideReason, error, subject, host_id: parts.hostId, cooldown_ms: cooldownMs },
    context: {},
    inReplyTo: null,
    created_at: new Date().toISOString(),
  };
  void parts.bus.send([{ envelope, queue: null }]).then((sent) => {
    if (!sent.ok) parts.log('set-aside-not-recorded', { error: sent.error });
  });
}
