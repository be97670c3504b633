import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import type { ContainerEngine } from '../../orchestrator/src/containers/container-engine.ts';
import { openDockerEngine } from '../../orchestrator/src/containers/dod/open-engine.ts';
import type { OpenRuntime } from '../../orchestrator/src/containers/testing/runtimes.ts';
import { NotMeasured } from '../measurement.ts';
import { checkout, workerImage } from '../worker-image.ts';
import type { RuntimeName } from './runtime-names.ts';

/** One engine under measurement, and the same reached without us. */
export interface MeasuredEngine {
  readonly engine: ContainerEngine;
  readonly bare: Docker;
  /** Its id there. */
  readonly image: string;
  /** With the worker runtime that was built, where this engine and its user may read it. */
  readonly runtimeFolder: string;
  readonly enforcesLimits: boolean;
  close(): Promise<void>;
}

const built = join(checkout, 'worker-image', 'dist');

/** The Docker engine of this machine. */
function machineEngine(): MeasuredEngine {
  const engine = unwrap(openDockerEngine({ dockerHost: process.env['DOCKER_HOST'] ?? null }));
  const close = async (): Promise<void> => undefined;
  return { engine, bare: new Docker(), image: workerImage(), runtimeFolder: built, enforcesLimits: true, close };
}

/** Starts an engine of its own, as tests do. */
async function ownEngine(name: Exclude<RuntimeName, 'dod'>): Promise<MeasuredEngine> {
  // What tests stand on is not loaded where only the machine's engine is measured.
  const { everyRuntime } = await import('../../orchestrator/src/containers/testing/runtimes.ts');
  const runtime = everyRuntime.find((each) => each.name === name);
  if (runtime === undefined) throw new NotMeasured(await missingFor(name));
  let opened: OpenRuntime;
  try {
    opened = await runtime.open();
  } catch (problem) {
    throw new NotMeasured(`it does not start here: ${String(problem).replaceAll('\n', ' ').slice(0, 300)}`);
  }
  const { engine, socket, enforcesLimits } = opened;
  const { id: image } = unwrap(await engine.imageInspect(opened.image));
  // Among the temporary files of the opened engine: what lies in a person's home another user may not see, nor another container.
  const runtimeFolder = await mkdtemp(join(tmpdir(), 'agentcompany-bench-runtime-'));
  await cp(built, runtimeFolder, { recursive: true });
  await chmod(runtimeFolder, 0o755);
  const close = async (): Promise<void> => {
    await rm(runtimeFolder, { recursive: true, force: true });
    await opened.close();
  };
  return { engine, bare: new Docker({ socketPath: socket }), image, runtimeFolder, enforcesLimits, close };
}

async function missingFor(name: RuntimeName): Promise<string> {
  const { missingPrograms } = await import('../../orchestrator/src/containers/testing/rootless-engine.ts');
  const missing = name === 'rootless Podman' ? missingPrograms.podman : missingPrograms.docker;
  return `this machine has no ${missing.join(', ')}`;
}

/** Opens the engine of a runtime; rejects with `NotMeasured` where it cannot be had here. */
export async function openMeasured(name: RuntimeName): Promise<MeasuredEngine> {
  return name === 'dod' ? machineEngine() : ownEngine(name);
}

/** What has to be known of an engine to read its figures. */
export async function engineNote(name: RuntimeName, { engine, enforcesLimits }: MeasuredEngine): Promise<string> {
  const { flavour, cgroupVersion } = unwrap(await engine.info());
  const { version } = unwrap(await engine.version());
  const limits = enforcesLimits ? 'limits enforced' : 'no limits enforced';
  return `${name}: ${flavour === 'podman' ? 'Podman' : 'Docker'} ${version}, cgroup ${cgroupVersion}, ${limits}`;
}
