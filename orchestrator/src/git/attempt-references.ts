import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import { createGitRunner, outputText } from './runner.ts';
import { updateReference } from './update-reference.ts';

const prefix = 'refs/agentcompany/attempts/';
const listingLimit = 64 * 1024 * 1024;
const compactingMs = 30 * 60_000;

/** What a vault keeps of one attempt. */
export interface AttemptReference {
  readonly reference: string;
  readonly attemptId: string;
  readonly oid: string;
}

const opened = (folder: string): BareRepository => ({ folder, run: createGitRunner() });

/** The vaults in a folder: repositories that were made by us and finished. */
export async function listVaults(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const vaults = names.filter((name) => name.endsWith('.git')).map((name) => path.join(folder, name));
  return vaults.filter((vault) => existsSync(path.join(vault, 'agentcompany-ready')));
}

/** What a vault keeps of attempts. Errors: those of git. */
export async function attemptReferences(vault: string): Promise<Result<readonly AttemptReference[]>> {
  const listed = await opened(vault).run({
    arguments: ['for-each-ref', '--format=%(refname) %(objectname)', prefix],
    gitDir: vault,
    outputLimit: listingLimit,
  });
  if (!listed.ok) return listed;
  const lines = outputText(listed.value).split('\n').filter(Boolean);
  return success(
    lines.map((line) => {
      const [reference = '', oid = ''] = line.split(' ');
      return { reference, attemptId: reference.slice(prefix.length), oid };
    }),
  );
}

/** Bytes that the vault's packs use for what an attempt added to its base. Errors: those of git. */
export async function bytesOfAttempt(vault: string, { oid }: AttemptReference): Promise<Result<number>> {
  const measured = await opened(vault).run({
    arguments: ['rev-list', '--objects', '--disk-usage', '--end-of-options', oid, `^${oid}^`],
    gitDir: vault,
    outputLimit: 1024,
  });
  return measured.ok ? success(Number(outputText(measured.value))) : measured;
}

/** Takes an attempt's reference away, unless it moved meanwhile. Errors: `AC_GIT_REFERENCE_MOVED`, `AC_GIT_LOCKED`, those of git. */
export function removeAttemptReference(
  vault: string,
  { reference, oid }: AttemptReference,
): Promise<Result<undefined>> {
  return updateReference(opened(vault), { reference, next: null, previous: oid });
}

/**
 * Gives back the room of what no reference of a vault leads to. Nothing borrows from a vault; but nobody may be taking a result in
 * meanwhile: the caller holds the engine's lock. Errors: those of git.
 */
export async function compactVault(vault: string): Promise<Result<undefined>> {
  const run = async (argumentList: readonly string[]): Promise<Result<undefined>> => {
    const done = await opened(vault).run({
      arguments: argumentList,
      gitDir: vault,
      timeoutMs: compactingMs,
      silent: true,
    });
    return done.ok ? success() : done;
  };
  const repacked = await run(['repack', '-a', '-d', '-l', '-q']);
  return repacked.ok ? run(['prune', '--expire=now']) : repacked;
}
