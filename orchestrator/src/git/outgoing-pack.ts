import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import { readCommits, type BareRepository } from './bare-repository.ts';
import type { OutgoingPack } from './repositories.ts';

const tenMinutes = 600_000;

/**
 * The objects of `tip` that somebody who holds `have` lacks, as a thin pack: its cost grows with what is new. Commits of `have` that are
 * not known here count for nothing. The file has no name any more when this returns: it goes with its handle.
 */
export async function packOutgoing(
  from: BareRepository,
  selection: { readonly tip: string; readonly have: readonly string[]; readonly folder: string },
): Promise<Result<OutgoingPack>> {
  const known = selection.have.length === 0 ? success(new Map()) : await readCommits(from, selection.have);
  if (!known.ok) return known;
  const file = path.join(selection.folder, `transfer-${randomUUID()}.pack`);
  const handle = await open(file, 'wx+', 0o600);
  await rm(file);
  const written = await from.run({
    arguments: ['pack-objects', '--revs', '--thin', '--stdout', '--quiet', '--delta-base-offset', '--threads=1'],
    gitDir: from.folder,
    input: [selection.tip, ...[...known.value.keys()].map((oid) => `^${oid}`), ''].join('\n'),
    outputDescriptor: handle.fd,
    timeoutMs: tenMinutes,
  });
  if (written.ok) return success({ handle, bytes: (await handle.stat()).size });
  await handle.close();
  return written;
}
