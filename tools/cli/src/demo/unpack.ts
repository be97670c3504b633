import { mkdir } from 'node:fs/promises';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { ReadEntry } from 'tar';
import { demoErrors } from './errors.ts';

/** More than any package that one reads in a demo: what is beyond is refused before it is written. */
const limits = { entries: 5000, bytes: 64 * 1024 * 1024 };

/** Ordinary files only, and nothing that git or npm would obey in the repository made of them. */
function isWanted(path: string, entry: ReadEntry): boolean {
  if (entry.type === 'Directory') return true;
  if (entry.type !== 'File' && entry.type !== 'OldFile') return false;
  return path.split('/').every((part) => !/^\.git|^\.npmrc$|^\.hg$|^node_modules$/i.test(part));
}

/** Unpacks a published archive into a new `folder`, without its first path part (npm: `package/`). Error: `AC_DEMO_PACKAGE_UNREADABLE`. */
export async function unpack(id: string, file: string, folder: string): Promise<Result<undefined>> {
  const { extract } = await import('tar');
  let entries = 0;
  let bytes = 0;
  const isWithinLimits = (entry: ReadEntry): boolean => {
    entries += 1;
    bytes += entry.size;
    return entries <= limits.entries && bytes <= limits.bytes;
  };
  try {
    await mkdir(folder);
    await extract({
      file,
      cwd: folder,
      strip: 1,
      noMtime: true,
      filter: (path, entry) => {
        if (!('type' in entry) || !isWithinLimits(entry) || !isWanted(path, entry)) return false;
        entry.mode = entry.type === 'Directory' ? 0o755 : 0o644;
        return true;
      },
    });
  } catch (cause) {
    return failure(
      demoErrors.AC_DEMO_PACKAGE_UNREADABLE({ package: id, problem: 'its archive cannot be unpacked' }, cause),
    );
  }
  if (entries > limits.entries || bytes > limits.bytes) {
    return failure(demoErrors.AC_DEMO_PACKAGE_UNSUITABLE({ package: id, problem: 'it is too large' }));
  }
  return success();
}
