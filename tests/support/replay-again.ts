import { unwrap } from '@agentcompany/protocol';
import { loadConfig } from '../../orchestrator/src/config.ts';
import { replayRun, type ReplayReport } from '../../orchestrator/src/facade/replay/replay-run.ts';
import { environmentOfEngine, installation, type TestCompany } from './open-test-company.ts';

/** Carries a run of the company out again with these settings; `keep`: the folder where its home stays, null for none. */
export async function replayAgain(
  { company, home }: TestCompany,
  runId: string,
  flags: Readonly<Record<string, unknown>>,
  keep: string | null = null,
): Promise<ReplayReport> {
  const environment = environmentOfEngine();
  const { config } = unwrap(loadConfig({ home, environment, flags }));
  const signal = AbortSignal.timeout(90_000);
  return unwrap(await replayRun({ company, config, environment, installation, keep, signal }, runId));
}
