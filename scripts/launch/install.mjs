// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { dirname, delimiter, join } from 'node:path';
import { runStep } from './child.mjs';
import { setupFailure } from './errors.mjs';
import { bringNpm } from './node.mjs';
import { cachePaths } from './paths.mjs';
import { digestOf, readText, runStamped, writeDurably } from './steps.mjs';

/**
 * The `npm install` step: under this Node, no script of any package run, and the lockfile left as it was to the byte.
 * (`npm ci` is of no use: it refuses a lockfile that lacks a platform's optional packages.)
 * Errors: `AC_INSTALL_FAILED`, `AC_LOCKFILE_CHANGED`, and those of bringing npm.
 * @param {string} root
 * @param {{lockFd: number | null, say: (line: string) => void}} options
 * @returns {Promise<boolean>} whether anything was installed
 */
export async function install(root, options) {
  const { stamps } = cachePaths(root);
  const record = join(root, 'node_modules', '.package-lock.json');
  return runStamped({
    name: 'install',
    stamps,
    inputs: digestOf(
      root,
      [join(root, 'package-lock.json'), join(root, '.npmrc'), ...manifests(root)],
      [process.platform, process.arch],
    ),
    present: () => existsSync(record),
    say: options.say,
    doing: 'Installing packages (npm install --ignore-scripts)',
    run: async () => {
      const npm = await bringNpm(root, options);
      await installWith(root, npm, options.lockFd);
    },
  });
}

/**
 * @param {string} root
 * @param {string} npm its `npm-cli.js`
 * @param {number | null} lockFd
 * @returns {Promise<void>}
 */
async function installWith(root, npm, lockFd) {
  const lockfile = join(root, 'package-lock.json');
  const before = readText(lockfile);
  await runStep(process.execPath, [npm, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` },
    lockFd,
    code: 'AC_INSTALL_FAILED',
  });
  const after = readText(lockfile);
  if (after === before) return;
  if (after !== null) writeDurably(cachePaths(root).rejectedLockfile, after);
  if (before !== null) writeDurably(lockfile, before);
  throw setupFailure('AC_LOCKFILE_CHANGED');
}

/**
 * The package.json of the root and of each workspace, absolute.
 * @param {string} root
 * @returns {string[]}
 */
export function manifests(root) {
  const file = join(root, 'package.json');
  const workspaces = JSON.parse(readFileSync(file, 'utf8')).workspaces ?? [];
  return [file, ...workspaces.map((/** @type {string} */ folder) => join(root, folder, 'package.json'))];
}
