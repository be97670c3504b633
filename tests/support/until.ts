import type { Company } from '../../orchestrator/src/company-facade.ts';

/** Resolves when an entry of the run's ledger satisfies `isIt`. */
export async function until(
  company: Company,
  runId: string,
  isIt: (type: string, payload: Record<string, unknown>) => boolean,
): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  for await (const { envelope } of company.timeline(runId, { after: 0, follow: true, signal })) {
    if (isIt(envelope.envelope_type, envelope.payload)) return;
  }
  throw new Error('the awaited envelope did not come');
}
