import { success, unwrap, type EgressFact, type EgressRule } from '@agentcompany/protocol';
import { expect, onTestFinished } from 'vitest';
import type { WorkerRunnerOptions } from '../../orchestrator/src/containers/sealed-worker-runner.ts';
import type { OpenRuntime } from '../../orchestrator/src/containers/testing/runtimes.ts';
import { testLimits, WorkerFixture, type Finished } from '../../orchestrator/src/containers/testing/worker-fixture.ts';
import { noServices } from '../../orchestrator/src/door/attempt-services.ts';
import { openEgress } from '../../orchestrator/src/egress/open-egress.ts';
import { canary } from '../../orchestrator/src/egress/testing/egress-door.ts';
import type { Origin } from '../../orchestrator/src/egress/testing/origin.ts';
import { knownSecretFinder } from '../../orchestrator/src/text/find-secrets.ts';

/** Room for what package tools write. */
export const wayOutLimits = { ...testLimits, memoryBytes: 768 * 1_048_576, workspaceBytes: 256 * 1_048_576 };

/** For what a command does: an environment of Python alone takes half a minute on a busy machine. */
const seconds = 180;

export interface WorkerWithWayOut {
  readonly fixture: WorkerFixture;
  /** What is on record. */
  readonly facts: EgressFact[];
  /** Runs a command in a worker of its own. */
  readonly work: (command: string, options?: Partial<WorkerRunnerOptions>) => Promise<Finished>;
}

/** A worker in a real container with a way out to this origin; in the system's Docker and the image of set-up unless `place` says another. */
export async function workerWithWayOut(
  files: Readonly<Record<string, string>>,
  { network }: Pick<Origin, 'network'>,
  allow: readonly EgressRule[],
  place: Partial<OpenRuntime> = {},
): Promise<WorkerWithWayOut> {
  const fixture = await WorkerFixture.open(files, place);
  onTestFinished(() => fixture.close());
  const facts: EgressFact[] = [];
  const egress = await openEgress({
    settings: { allow: [...allow], upload_bytes: 1_048_576, download_bytes: 2 ** 30 },
    network,
    findSecrets: knownSecretFinder([{ name: 'CANARY', value: canary }]),
    record: async (some) => {
      facts.push(...some);
      return success();
    },
  });
  onTestFinished(() => egress.close());
  const work = (command: string, options: Partial<WorkerRunnerOptions> = {}): Promise<Finished> =>
    fixture.finish(
      fixture.order({
        run: { command },
        allow_empty: true,
        egress: { certificate: egress.certificate },
        command_timeout: seconds,
      }),
      { services: { ...noServices, egress }, limits: wayOutLimits, deadlineSeconds: seconds + 20 },
      options,
    );
  return { fixture, facts, work };
}

/** What the command of a worker that ended well wrote. */
export function outputOf({ result, log }: Finished): string {
  const { report } = unwrap(result);
  expect(report.error, log).toBeNull();
  return report.agent?.output ?? '';
}
