import { join } from 'node:path';
import { readFile, rm } from 'node:fs/promises';
import { failure, slug, success, type AppError, type Result } from '@agentcompany/protocol';
import type { HostRepositories, WorkOrigin } from '../engine/host-parts.ts';
import { persistently } from '../engine/persistently.ts';
import { openHostMirror, type HostMirror } from '../git/host-mirror.ts';
import type { EngineClient } from './engine-client.ts';
import { hostErrors } from './errors.ts';

export interface RemoteRepositoriesOptions {
  readonly client: EngineClient;
  readonly mirrorsFolder: string;
  /** The engine home does not answer, and is asked again. */
  readonly onAway: (error: AppError) => void;
  /** The engine home refuses this host: there is no use in going on. */
  readonly onRefused: (error: AppError) => void;
}

interface Project {
  readonly mirror: HostMirror;
  /** One fetch at a time: the next one finds what this one brought. */
  last: Promise<unknown>;
}

/**
 * The way of a worker host on a machine of its own: commits come as packs of what it lacks into a mirror it keeps, results go as
 * artifacts. An engine home that is away is waited for.
 */
export function remoteRepositories(options: RemoteRepositoriesOptions): HostRepositories {
  const { client, mirrorsFolder } = options;
  const projects = new Map<string, Promise<Result<Project>>>();
  const projectOf = async (id: string): Promise<Result<Project>> => {
    // It becomes the name of a folder, and it comes over the bus.
    if (!slug.safeParse(id).success)
      return failure(hostErrors.AC_HOST_REFUSED({ address: 'the bus', problem: `${id} is no project` }));
    const opening = projects.get(id) ?? openProject(join(mirrorsFolder, `${id}.git`));
    projects.set(id, opening);
    const opened = await opening;
    if (!opened.ok) projects.delete(id);
    return opened;
  };
  const fetchTip = async (work: WorkOrigin, signal: AbortSignal) => {
    const project = await projectOf(work.projectId);
    if (!project.ok) return project;
    const { mirror } = project.value;
    const fetching = project.value.last.then(() => fetchRun(options, mirror, work, signal));
    project.value.last = fetching;
    const tip = await fetching;
    return tip.ok ? success({ oid: tip.value, mirror }) : tip;
  };
  return {
    baseOf: async (work, signal) => {
      const fetched = await fetchTip(work, signal);
      return fetched.ok ? success({ oid: fetched.value.oid, mirrorFolder: fetched.value.mirror.folder }) : fetched;
    },
    mirrorWith: async (work, oid, signal) => {
      const fetched = await fetchTip(work, signal);
      if (!fetched.ok) return fetched;
      const { mirror } = fetched.value;
      const held = await mirror.holds(oid);
      if (!held.ok) return held;
      return held.value ? success(mirror.folder) : failure(hostErrors.AC_HOST_COMMIT_ABSENT({ oid, run: work.runId }));
    },
    deliver: async (bundle, signal) => {
      const delivered = await asked(options, signal, () => client.upload(bundle, signal));
      if (delivered.ok) await rm(bundle.file, { force: true });
      return delivered;
    },
    deliverLog: async ({ runId, attemptId, file }, signal) => {
      const content = await readFile(file).catch(() => null);
      // A container that never started has none.
      if (content === null) return success();
      const delivered = await persistently(signal, () => client.uploadLog({ runId, attemptId, content }, signal));
      if (delivered.ok) await rm(file, { force: true });
      return delivered;
    },
  };
}

async function openProject(folder: string): Promise<Result<Project>> {
  const mirror = await openHostMirror(folder);
  return mirror.ok ? success({ mirror: mirror.value, last: Promise.resolve() }) : mirror;
}

async function fetchRun(
  options: RemoteRepositoriesOptions,
  mirror: HostMirror,
  { projectId, runId }: WorkOrigin,
  signal: AbortSignal,
): Promise<Result<string>> {
  const have = await mirror.haves();
  if (!have.ok) return have;
  const file = mirror.packFile();
  const wanted = { projectId, runId, have: have.value, file };
  const packed = await asked(options, signal, () => options.client.pack(wanted, signal));
  if (!packed.ok) return packed;
  const { tip, isEmpty } = packed.value;
  const received = await mirror.receive(runId, tip, isEmpty ? null : file);
  return received.ok ? success(tip) : received;
}

/** One question to the engine home, repeated while it is away. */
async function asked<Value>(
  { onAway, onRefused }: RemoteRepositoriesOptions,
  signal: AbortSignal,
  call: () => Promise<Result<Value>>,
): Promise<Result<Value>> {
  const answer = await persistently(signal, call, onAway);
  if (!answer.ok && answer.error.code === 'AC_HOST_TOKEN') onRefused(answer.error);
  return answer;
}
