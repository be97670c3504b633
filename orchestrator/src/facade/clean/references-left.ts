import { success, type Result } from '@agentcompany/protocol';
import type { KeptResult } from '../../company-facade.ts';
import {
  attemptReferences,
  bytesOfAttempt,
  compactVault,
  listVaults,
  removeAttemptReference,
} from '../../git/attempt-references.ts';
import { isDoneWith, ownerText, type KnownAttempt } from './attempt-ledger.ts';
import { bytesOnDisk, type Leftover } from './leftover.ts';

/** What vaults hold of attempts: what can go, and what is kept because it may be the only copy of somebody's work. */
export async function referencesLeft(
  vaultsFolder: string,
  known: ReadonlyMap<string, KnownAttempt>,
): Promise<Result<{ readonly left: readonly Leftover[]; readonly kept: readonly KeptResult[] }>> {
  const left: Leftover[] = [];
  const kept: KeptResult[] = [];
  for (const vault of await listVaults(vaultsFolder)) {
    const references = await attemptReferences(vault);
    if (!references.ok) return references;
    for (const reference of references.value) {
      const attempt = known.get(reference.attemptId);
      const owner = ownerText(reference.attemptId, attempt);
      const name = `${vault} ${reference.reference}`;
      if (attempt === undefined || attempt.runState === 'failed') {
        const why = attempt === undefined ? 'no run on record' : 'its run failed, and nothing of it was pushed';
        kept.push({ name, owner, why });
        continue;
      }
      if (!isDoneWith(attempt.runState)) continue;
      const bytes = await bytesOfAttempt(vault, reference);
      if (!bytes.ok) return bytes;
      const remove = () => removeAttemptReference(vault, reference);
      left.push({ kind: 'result', name, owner, bytes: bytes.value, remove });
    }
  }
  return success({ left, kept });
}

/** Gives back what references that went have freed, where no engine takes results in. Returns bytes. */
export async function compactVaults(vaultsFolder: string, named: readonly Leftover[]): Promise<Result<number>> {
  let freed = 0;
  for (const vault of await listVaults(vaultsFolder)) {
    if (!named.some(({ name }) => name.startsWith(`${vault} `))) continue;
    const before = await bytesOnDisk(vault);
    const compacted = await compactVault(vault);
    if (!compacted.ok) return compacted;
    freed += Math.max(0, before - (await bytesOnDisk(vault)));
  }
  return success(freed);
}
