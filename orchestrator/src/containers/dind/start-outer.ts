import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { failure, success, type Result } from '@agentcompany/protocol';
import { settingDifferences } from '../compare-inspect.ts';
import type { ContainerDetails } from '../container-engine.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { labelNames } from '../worker-labels.ts';
import { dindErrors } from './errors.ts';
import { outerBody, outerName, type OuterContainer } from './outer-body.ts';
import type { OuterEngine } from './outer-engine.ts';
import { heldPrefix, socketName } from './outer-script.ts';

const startMs = 60_000;
const pollMs = 100;

/** The socket of the inner engine, on the host. */
export function innerSocket({ exchangeFolder }: Pick<OuterContainer, 'exchangeFolder'>): string {
  return join(exchangeFolder, socketName);
}

/** Tells the outer container that this process of its company is there: it ends two minutes after the last time. */
export async function hold(exchangeFolder: string): Promise<void> {
  await writeFile(join(exchangeFolder, `${heldPrefix}${process.pid}`), new Date().toISOString(), { mode: 0o600 });
}

/** Another process of the company that uses the outer container now; null: there is none. What dead ones left is removed. */
async function otherHolder(exchangeFolder: string): Promise<number | null> {
  for (const name of await readdir(exchangeFolder)) {
    const pid = name.startsWith(heldPrefix) ? Number(name.slice(heldPrefix.length)) : process.pid;
    if (pid === process.pid) continue;
    if (existsSync(`/proc/${pid}`)) return pid;
    await rm(join(exchangeFolder, name), { force: true });
  }
  return null;
}

/**
 * Sees to it that the company's outer container runs and its engine answers: goes on with the one that is there, replaces one of another
 * form, makes one where there is none. Errors: `AC_DIND_START`, `AC_DIND_DIFFERS`, `AC_DIND_HELD`, those of the machine's engine.
 */
export async function startOuter(outer: OuterEngine, container: OuterContainer): Promise<Result<undefined>> {
  await mkdir(container.exchangeFolder, { recursive: true, mode: 0o700 });
  await hold(container.exchangeFolder);
  const made = await present(outer, container);
  if (!made.ok) return made;
  const { id, raw } = made.value;
  const differences = settingDifferences(outerBody(container), raw);
  if (differences.length > 0) {
    await outer.machine.remove(id);
    return failure(dindErrors.AC_DIND_DIFFERS({ difference: differences.join('; ') }));
  }
  const started = await start(outer, made.value);
  return started.ok ? answering(outer, container) : started;
}

/** Starts what does not run; that another process of the company was faster is as good. */
async function start({ machine }: OuterEngine, { id, state }: ContainerDetails): Promise<Result<undefined>> {
  if (state.status === 'running') return success();
  const started = await machine.start(id);
  if (started.ok) return started;
  const found = await machine.inspect(id);
  return found.ok && found.value.state.status === 'running' ? success() : started;
}

/** The outer container as it is to be, running or not. */
async function present(outer: OuterEngine, container: OuterContainer): Promise<Result<ContainerDetails>> {
  const wanted = outerBody(container).Labels;
  const found = await outer.find(container.instance);
  if (!found.ok) return found;
  if (found.value !== null) {
    const { id, labels } = found.value;
    if (labels[labelNames.specification] === wanted[labelNames.specification]) return success(found.value);
    const holder = await otherHolder(container.exchangeFolder);
    if (holder !== null) return failure(dindErrors.AC_DIND_HELD({ pid: holder }));
    const removed = await outer.machine.remove(id);
    if (!removed.ok) return removed;
  }
  const created = await outer.create(container);
  return created.ok ? outer.machine.inspect(outerName(container.instance)) : created;
}

async function answering(outer: OuterEngine, container: OuterContainer): Promise<Result<undefined>> {
  const name = outerName(container.instance);
  const inner = new DockerEngine(innerSocket(container));
  const limit = performance.now() + startMs;
  for (;;) {
    if ((await inner.ping()).ok) return success();
    const found = await outer.machine.inspect(name);
    if (!found.ok) return found;
    const { exitCode } = found.value.state;
    if (exitCode !== null)
      return failure(dindErrors.AC_DIND_START({ name, reason: `it ended with exit code ${exitCode}` }));
    if (performance.now() > limit)
      return failure(dindErrors.AC_DIND_START({ name, reason: `no answer within ${startMs / 1000} seconds` }));
    await pause(pollMs);
  }
}
