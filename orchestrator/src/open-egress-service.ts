import { randomUUID } from 'node:crypto';
import type { EgressFact } from '@agentcompany/protocol';
import { record } from './company/decide/draft.ts';
import { noWayOut } from './door/attempt-services.ts';
import type { HostParts } from './engine/host-parts.ts';
import { mint } from './engine/mint.ts';
import { machineNetwork, type EgressNetwork } from './egress/network.ts';
import { knownSecretFinder, type KnownSecret } from './text/find-secrets.ts';

export interface EgressParts extends Pick<HostParts, 'bus'> {
  /** What may not go out; each is found in many disguises. */
  readonly secrets: readonly KnownSecret[];
  readonly network?: EgressNetwork;
}

/** Opens the way out for the work of runs whose settings have one, and puts what happens there beside the run (docs/egress.md). */
export function egressService({ bus, secrets, network = machineNetwork }: EgressParts): HostParts['openEgress'] {
  const findSecrets = knownSecretFinder(secrets);
  return async ({ run, taskId, attemptId }) => {
    const settings = run.settings.egress;
    if (settings === null) return noWayOut;
    const { openEgress } = await import('./egress/open-egress.ts');
    const about = { ...(taskId === null ? {} : { taskId }), attemptId };
    const put = async (facts: readonly EgressFact[]) => {
      const drafts = facts.map((fact) => record('egress_request', { ...fact, attempt_id: attemptId }, about));
      // Nothing is decided here, so nothing is decided again: each step is a new one.
      const cause = `egress ${randomUUID()} of ${attemptId}`;
      return bus.send(await mint(drafts, { sender: 'workers', runId: run.id, cause, inReplyTo: null }));
    };
    const egress = await openEgress({ settings, network, findSecrets, record: put });
    return { egress, close: () => egress.close() };
  };
}
