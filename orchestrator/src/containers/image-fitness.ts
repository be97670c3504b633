import type { ImageDetails } from './container-engine.ts';

/** Exit codes of the entry point (worker-image/image/runtime), which only it uses. */
const entryCodes: Readonly<Record<number, string>> = {
  91: 'it is built on musl, and the worker needs glibc',
  92: 'it has no glibc',
  93: 'it has no git',
  94: 'it has no libstdc++, and this installation brings none',
};

const notStarted = [126, 127];

/**
 * Why an image could not start a worker, read from how its container ended; null where it ended otherwise. The log is the worker's
 * word: it only chooses among errors that say the same, that this image is not to be tried again.
 */
export function unfitness(exitCode: number | null, lastWords: string): string | null {
  if (exitCode === null) return null;
  const lacking = entryCodes[exitCode];
  if (lacking !== undefined) return lacking;
  const missing = /^\/opt\/worker\/node: .*version `((?:GLIBC|GLIBCXX|CXXABI)_[0-9.]+)' not found/m.exec(
    lastWords,
  )?.[1];
  if (missing !== undefined) return `its C library is too old: Node needs ${missing}`;
  const library = /^\/opt\/worker\/node: error while loading shared libraries: (\S+):/m.exec(lastWords)?.[1];
  if (library !== undefined) return `it lacks the library ${library}`;
  if (notStarted.includes(exitCode) && /exec.*\/opt\/worker\/runtime/.test(lastWords))
    return /format error/.test(lastWords) ? 'it is for another processor' : 'it has no /bin/sh that starts';
  return null;
}

const processors: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Why the Node that is brought into every worker cannot run in this image, as far as the image itself says; null: it says nothing. */
export function foreignProcessor({ architecture }: ImageDetails): string | null {
  const ours = processors[process.arch];
  if (ours === undefined || architecture === '' || architecture === ours) return null;
  return `it is for the processor ${architecture}, and this machine's is ${ours}`;
}

const mostFolders = 32;
/** What a worker may write to, or what is mounted into it, names no programs of the image. */
const notOfTheImage = /^\/(?:workspace|tmp|proc|sys|dev|mirror\.git|opt\/worker|caches)(?:\/|$)/;

/**
 * Folders in which the image says that its programs lie, in its order. Containers are made with a PATH of ours; the image's own is
 * added for the commands of a task, as far as it is made of plain absolute folders.
 */
export function toolFolders({ environment }: ImageDetails): readonly string[] {
  const path = environment.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  const plain = path
    .split(':')
    .filter((folder) => /^(?:\/[A-Za-z0-9_+@.-]+)+\/?$/.test(folder) && folder.length <= 255)
    .filter((folder) => !folder.split('/').includes('..') && !notOfTheImage.test(folder));
  return [...new Set(plain)].slice(0, mostFolders);
}
