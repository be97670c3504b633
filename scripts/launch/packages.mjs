// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runStep } from './child.mjs';
import { setupFailure } from './errors.mjs';

/**
 * One exact package of the registry, with the digest of its archive as kept in this source.
 * @typedef {{name: string, version: string, integrity: string}} PinnedPackage
 */

/**
 * Fetches a package with the user's own npm (so that registry, proxy and credentials are theirs), checks it against the
 * digest kept here before anything of it is unpacked, and puts it in place by renaming a finished folder.
 * @param {PinnedPackage} pinned
 * @param {{target: string, cache: string, node: string, npm: string, lockFd: number | null}} options
 *   `node`, `npm`: the Node and npm-cli.js that fetch
 * @returns {Promise<void>}
 */
export async function bringPackage(pinned, { target, cache, node, npm, lockFd }) {
  mkdirSync(cache, { recursive: true });
  const room = mkdtempSync(join(cache, 'fetch-'));
  try {
    await runStep(
      node,
      [
        npm,
        'pack',
        `${pinned.name}@${pinned.version}`,
        '--pack-destination',
        room,
        '--ignore-scripts',
        '--loglevel=error',
      ],
      {
        cwd: room,
        lockFd,
        code: 'AC_PACKAGE_FETCH',
        parameters: { package: nameOf(pinned) },
      },
    );
    const archive = readdirSync(room).find((name) => name.endsWith('.tgz'));
    if (archive === undefined)
      throw setupFailure('AC_PACKAGE_FETCH', { package: nameOf(pinned) }, 'npm pack left no archive');
    checkIntegrity(join(room, archive), pinned);
    await unpack(pinned, join(room, archive), lockFd);
    const old = join(room, 'old');
    if (existsSync(target)) renameSync(target, old);
    renameSync(join(room, 'package'), target);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

/**
 * Refuses an archive whose sha512 is not the pinned one: `AC_PACKAGE_INTEGRITY`.
 * @param {string} archive
 * @param {PinnedPackage} pinned
 */
export function checkIntegrity(archive, pinned) {
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found === pinned.integrity) return;
  throw setupFailure('AC_PACKAGE_INTEGRITY', { package: nameOf(pinned), found, expected: pinned.integrity });
}

/**
 * The installed version of a package folder, or null where there is none or it is unreadable.
 * @param {string} folder
 * @returns {string | null}
 */
export function packageVersion(folder) {
  try {
    const version = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}

/** @param {PinnedPackage} pinned */
const nameOf = (pinned) => `${pinned.name}@${pinned.version}`;

/**
 * @param {PinnedPackage} pinned
 * @param {string} archive unpacked beside itself
 * @param {number | null} lockFd
 */
async function unpack(pinned, archive, lockFd) {
  const folder = dirname(archive);
  await runStep('tar', ['-xzf', archive, '-C', folder], {
    cwd: folder,
    lockFd,
    code: 'AC_PACKAGE_UNPACK',
    parameters: { package: nameOf(pinned) },
  });
}
