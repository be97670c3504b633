import type { Result } from '@agentcompany/protocol';
import type { ContainerEngine } from './containers/container-engine.ts';
import type { CommitFiles } from './containers/devcontainer/build-devcontainer.ts';
import type { ImageRequest } from './containers/worker-runner.ts';
import { createGitRunner } from './git/runner.ts';
import { readText } from './git/read-text.ts';
import { listTree, readTree } from './git/tree-files.ts';

type Place = NonNullable<ImageRequest['devcontainer']>;

const mebibyte = 1_048_576;
const treeLimits = { files: 10_000, bytes: 64 * mebibyte };
/** What the commands of a build may use. */
const buildLimits = { memoryBytes: 2048 * mebibyte, cpus: 2 };
const buildMs = 20 * 60_000;

/** A commit of a mirror as a build reads it. */
function commitFiles({ mirrorFolder, commit }: Pick<Place, 'mirrorFolder' | 'commit'>): CommitFiles {
  const repository = { folder: mirrorFolder, run: createGitRunner() };
  return {
    text: (path) => readText(repository, { commit, path, maxBytes: mebibyte }),
    list: (folder) => listTree(mirrorFolder, { commit, folder }),
    contents: (files) => readTree(mirrorFolder, files, treeLimits),
  };
}

/**
 * Makes images from what repositories describe. What several tasks ask for at once is built once.
 * Errors of what is returned: those of `buildDevcontainer`.
 */
export function openDevcontainers(options: {
  readonly engine: ContainerEngine;
  readonly instance: string;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
}): (place: Pick<Place, 'mirrorFolder' | 'commit'>) => Promise<Result<string>> {
  const underWay = new Map<string, Promise<Result<string>>>();
  return async (place) => {
    const key = `${place.mirrorFolder} ${place.commit}`;
    const known = underWay.get(key);
    if (known !== undefined) return known;
    const { buildDevcontainer } = await import('./containers/devcontainer/build-devcontainer.ts');
    const limit = AbortSignal.timeout(buildMs);
    const building = buildDevcontainer({
      ...options,
      commit: place.commit,
      files: commitFiles(place),
      limits: buildLimits,
      signal: options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]),
    });
    underWay.set(key, building);
    try {
      return await building;
    } finally {
      underWay.delete(key);
    }
  };
}
