// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from './child.mjs';
import { SetupFailure } from './failure.mjs';

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
    await runStep(node, [npm, 'pack', `${pinned.name}@${pinned.version}`, '--pack-destination', room, '--ignore-scripts', '--loglevel=error'], {
      cwd: room,
      lockFd,
      failure: {
        code: 'AC_PACKAGE_FETCH',
        what: `npm could not fetch ${pinned.name}@${pinned.version}`,
        remedy: 'check the network and the registry npm is set to (npm config get registry), then run the command again',
      },
    });
    const archive = readdirSync(room).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw new SetupFailure('AC_PACKAGE_FETCH', `npm pack left no archive of ${pinned.name}`, 'run the command again');
    checkIntegrity(join(room, archive), pinned);
    await unpack(join(room, archive), room, lockFd);
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
  throw new SetupFailure(
    'AC_PACKAGE_INTEGRITY',
    `the archive of ${pinned.name}@${pinned.version} is ${found}, expected ${pinned.integrity}; nothing of it was used`,
    'the registry or something on the way to it changed the package: check npm config get registry and the proxy in use',
  );
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

/**
 * @param {string} archive
 * @param {string} folder
 * @param {number | null} lockFd
 */
async function unpack(archive, folder, lockFd) {
  await runStep('tar', ['-xzf', archive, '-C', folder], {
    cwd: folder,
    lockFd,
    failure: { code: 'AC_PACKAGE_UNPACK', what: 'the archive could not be unpacked', remedy: 'install tar, check the free space, then run the command again' },
  });
}
