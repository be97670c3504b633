import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import type { ContainerEngine } from '../../orchestrator/src/containers/container-engine.ts';
import { workerRuntime } from '../../orchestrator/src/containers/testing/worker-runtime.ts';
import { buildImage, type ImageReport } from '../../orchestrator/src/facade/images/index.ts';
import { installation as checkout } from './open-test-company.ts';

export interface AgentsInstallation {
  readonly folder: string;
  readonly image: ImageReport;
  readonly dispose: () => void;
}

/** An installation of its own with the worker runtime of this source tree and an image with these agents; what npm installed is kept. */
export async function openAgentsInstallation(
  engine: ContainerEngine,
  workerImage: string,
  agents: readonly string[],
): Promise<AgentsInstallation> {
  const folder = mkdtempSync(join(tmpdir(), 'agentcompany-installation-'));
  const kept = join(checkout, '.cache', 'agents');
  for (const part of [kept, join(folder, '.cache'), join(folder, 'worker-image')]) mkdirSync(part, { recursive: true });
  symlinkSync(kept, join(folder, '.cache', 'agents'));
  symlinkSync(join(checkout, 'agents'), join(folder, 'agents'));
  symlinkSync(join(checkout, 'worker-image', 'agents'), join(folder, 'worker-image', 'agents'));
  symlinkSync(await workerRuntime(), join(folder, 'worker-image', 'dist'));
  const { id } = unwrap(await engine.imageInspect(workerImage));
  writeFileSync(join(folder, '.cache', 'worker-image.json'), JSON.stringify({ reference: workerImage, id }));
  const said: string[] = [];
  const built = await buildImage({
    installation: folder,
    config: { container_runtime: 'dod', oci_runtime: 'runc', accept_no_limits: false },
    environment: process.env,
    agents,
    say: (line) => said.push(line),
    signal: AbortSignal.timeout(600_000),
  });
  if (!built.ok) throw new Error(`${JSON.stringify(built.error)}\n${said.join('\n')}`);
  return { folder, image: built.value, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}
