import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import { holdsCommit, openBareRepository, readReference, type BareRepository } from './bare-repository.ts';
import { syncFolder } from './durable.ts';
import { judgeObjectName, runReference } from './reference-policy.ts';
import { createGitRunner, outputText, type ArgumentsHook } from './runner.ts';
import { removeStaleFiles } from './stale-files.ts';
import { updateReference } from './update-reference.ts';

const tenMinutes = 600_000;
/** Commits a host names as those it has: the tips of the runs it worked for last. */
const maximumHaves = 64;

/** A worker host's own mirror of one project: filled with packs from the engine home, mounted read-only by its workers. */
export interface HostMirror {
  readonly folder: string;
  /** Tips this mirror holds with all that is below them, the newest first. */
  haves(): Promise<Result<readonly string[]>>;
  holds(oid: string): Promise<Result<boolean>>;
  /** A file to receive a pack into; what a crash leaves of it goes after a day. */
  packFile(): string;
  /**
   * Takes a pack in, and `tip` as where the run stands, once all that it needs is there. The file is removed.
   * Errors: those of git, for a pack that is damaged or lacks something too.
   */
  receive(runId: string, tip: string, packFile: string | null): Promise<Result<undefined>>;
}

/** Opens the mirror in `folder`, making it where it is absent. */
export async function openHostMirror(folder: string, onArguments?: ArgumentsHook): Promise<Result<HostMirror>> {
  const mirror: BareRepository = { folder, run: createGitRunner(onArguments) };
  const parent = path.dirname(folder);
  if ((await mkdir(parent, { recursive: true, mode: 0o711 })) !== undefined) await chmod(parent, 0o711);
  const opened = await openBareRepository(mirror, { worldReadable: true });
  if (!opened.ok) return opened;
  await removeStaleFiles(folder);
  return success({
    folder,
    haves: () => haves(mirror),
    holds: async (oid) => {
      const judged = judgeObjectName(oid);
      return judged.ok ? holdsCommit(mirror, oid) : judged;
    },
    packFile: () => path.join(folder, `transfer-${randomUUID()}.pack`),
    receive: (runId, tip, packFile) => receive(mirror, runId, tip, packFile),
  });
}

async function haves(mirror: BareRepository): Promise<Result<readonly string[]>> {
  const answer = await mirror.run({
    arguments: [
      'for-each-ref',
      `--count=${maximumHaves}`,
      '--sort=-committerdate',
      '--format=%(objectname)',
      'refs/agentcompany/runs/',
    ],
    gitDir: mirror.folder,
    silent: true,
  });
  if (!answer.ok) return answer;
  return success([...new Set(outputText(answer.value).split('\n'))].filter((oid) => oid !== ''));
}

async function receive(
  mirror: BareRepository,
  runId: string,
  tip: string,
  packFile: string | null,
): Promise<Result<undefined>> {
  const reference = runReference(runId);
  if (!reference.ok) return reference;
  const judged = judgeObjectName(tip);
  if (!judged.ok) return judged;
  const taken = packFile === null ? success() : await takePack(mirror, packFile);
  if (!taken.ok) return taken;
  const whole = await isWhole(mirror, tip);
  if (!whole.ok) return whole;
  const previous = await readReference(mirror, reference.value);
  if (!previous.ok) return previous;
  if (previous.value === tip) return success();
  return updateReference(mirror, { reference: reference.value, next: tip, previous: previous.value });
}

/** What the engine home sends was judged when it came there; here it is only to arrive unharmed. */
async function takePack(mirror: BareRepository, packFile: string): Promise<Result<undefined>> {
  const handle = await open(packFile, 'r');
  try {
    const indexed = await mirror.run({
      arguments: ['index-pack', '--stdin', '--fix-thin', '--threads=1'],
      gitDir: mirror.folder,
      input: { descriptor: handle.fd },
      timeoutMs: tenMinutes,
    });
    if (!indexed.ok) return indexed;
  } finally {
    await handle.close();
    await rm(packFile, { force: true });
  }
  await syncFolder(path.join(mirror.folder, 'objects', 'pack'));
  return success();
}

/** Nothing below the tip is missing: a worker that clones from here must not find a hole. */
async function isWhole(mirror: BareRepository, tip: string): Promise<Result<undefined>> {
  const walked = await mirror.run({
    arguments: ['rev-list', '--objects', '--quiet', '--not', '--all', '--not', '--end-of-options', tip],
    gitDir: mirror.folder,
    silent: true,
    timeoutMs: tenMinutes,
  });
  return walked.ok ? success() : walked;
}
