import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BareRepository } from './bare-repository.ts';

const configuration = '[core]\n\trepositoryformatversion = 0\n\tbare = true\n';

/**
 * A fresh repository for one piece of work, borrowing from another; what an interrupted one left in its place is removed first. It is laid
 * out by hand, and neither it nor what git writes into it is synced: it is removed when its work is done, and by the next start otherwise.
 */
export async function openPassingRepository(
  folder: string,
  lender: Pick<BareRepository, 'folder' | 'run'>,
): Promise<BareRepository> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(path.dirname(folder), { recursive: true, mode: 0o700 });
  await mkdir(folder, { mode: 0o700 });
  await mkdir(path.join(folder, 'objects', 'info'), { recursive: true });
  await mkdir(path.join(folder, 'refs'));
  await writeFile(path.join(folder, 'objects', 'info', 'alternates'), `${path.join(lender.folder, 'objects')}\n`);
  await writeFile(path.join(folder, 'config'), configuration);
  await writeFile(path.join(folder, 'HEAD'), 'ref: refs/heads/main\n');
  return {
    folder,
    run: (call) => lender.run({ ...call, configuration: [...(call.configuration ?? []), ['core.fsync', 'none']] }),
  };
}
