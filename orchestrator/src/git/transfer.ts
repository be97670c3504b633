import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import { syncFolder } from './durable.ts';

const tenMinutes = 600_000;

/**
 * Copies the objects reachable from `include` and not from `exclude` as one self-contained pack, checked strictly where
 * it arrives and durable when this returns. Repeating it adds nothing that matters.
 */
export async function transferObjects(
  from: BareRepository,
  to: BareRepository,
  selection: { readonly include: readonly string[]; readonly exclude: readonly string[] },
): Promise<Result<undefined>> {
  const file = path.join(from.folder, `transfer-${randomUUID()}.pack`);
  const pack = await open(file, 'wx+', 0o600);
  try {
    const written = await from.run({
      arguments: ['pack-objects', '--revs', '--stdout', '--quiet', '--threads=1'],
      gitDir: from.folder,
      input: [...selection.include, ...selection.exclude.map((oid) => `^${oid}`), ''].join('\n'),
      outputDescriptor: pack.fd,
      timeoutMs: tenMinutes,
    });
    if (!written.ok) return written;
  } finally {
    await pack.close();
  }
  const again = await open(file, 'r');
  try {
    const indexed = await to.run({
      arguments: ['index-pack', '--strict', '--stdin', '--threads=1'],
      gitDir: to.folder,
      input: { descriptor: again.fd },
      timeoutMs: tenMinutes,
    });
    if (!indexed.ok) return indexed;
  } finally {
    await again.close();
    await rm(file, { force: true });
  }
  await syncFolder(path.join(to.folder, 'objects', 'pack'));
  return success();
}
