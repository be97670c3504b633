import type { EgressNetwork } from './network.ts';
import { isPublicAddress } from './public-address.ts';
import { refusal, type Refusal } from './refusal.ts';

const resolveMs = 10_000;

/** What a name was found to be. */
export type Resolved = { readonly address: string } | { readonly refused: Refusal; readonly address: string | null };

/**
 * Resolves a name once. Every address it has must be public: a resolver that gives a public and a private one does so to be asked
 * again. The address is what is connected to; the name is not looked up a second time (DNS rebinding).
 */
export async function resolveTarget(network: EgressNetwork, host: string): Promise<Resolved> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('no answer')), resolveMs);
  try {
    const addresses = await Promise.race([network.resolve(host), late.promise]);
    const foreign = addresses.find((address) => !isPublicAddress(address));
    if (foreign !== undefined) return { refused: refusal('address'), address: foreign };
    const [address] = addresses;
    return address === undefined ? { refused: refusal('unresolved'), address: null } : { address };
  } catch {
    return { refused: refusal('unresolved'), address: null };
  } finally {
    clearTimeout(timer);
  }
}
