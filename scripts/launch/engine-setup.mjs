// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { findExecutable, runStep } from './child.mjs';
import { detectEngine, engineFailure, wantsRootless } from './engine.mjs';
import { setupFailure } from './errors.mjs';
import { messageOf } from './failure.mjs';
import { cachePaths } from './paths.mjs';
import { readText } from './steps.mjs';

/** How long an engine may take until its socket answers, in milliseconds. */
const startDeadline = 60_000;

/**
 * A container engine that answers and enforces limits. Where none runs and this is root on Debian or Ubuntu, it is
 * installed and started, after asking on a terminal. Errors: `AC_ENGINE_…` (see `engine.mjs`), `AC_SETUP_DECLINED`,
 * `AC_ENGINE_INSTALL`.
 * @param {string} root the checkout
 * @param {{env: NodeJS.ProcessEnv, yes: boolean, mayInstall: boolean, lockFd: number | null, say: (line: string) => void}} options
 *   `mayInstall`: this is root on a system whose packages we know (see `isRootOnDebian`)
 * @returns {Promise<{socket: string, notes: string[]}>} the socket, and what is to be said at the end
 */
export async function prepareEngine(root, { env, yes, mayInstall, lockFd, say }) {
  const found = await detectEngine({ env });
  if (found.status === 'ready') return { socket: found.socket, notes: [] };
  if (found.status === 'no-limits' && env['AGENTCOMPANY_ACCEPT_NO_LIMITS'] === 'true')
    return { socket: found.socket, notes: [] };
  // A rootless engine is its user's: what is to be done is said, not done.
  const ownSocket = !wantsRootless(env) && (env['DOCKER_HOST'] === undefined || env['DOCKER_HOST'] === '');
  const repairable = (found.status === 'absent' || found.status === 'stopped') && ownSocket;
  if (!repairable || !mayInstall) throw engineFailure(found, wantsRootless(env));

  const packages =
    found.status === 'absent' ? packagesToInstall((name) => findExecutable(name, systemPath(env)) !== null) : [];
  await consent(
    found.status === 'absent' ? 'No container engine is installed' : 'The container engine is not running',
    packages,
    { yes, say },
  );
  if (packages.length > 0) await installPackages(packages, { env, lockFd, say });
  say('Starting the container engine (dockerd)');
  const started = await startEngine(root, { env, say });
  const state = await untilReady(found.socket, env);
  if (state.status !== 'ready') throw engineFailure({ ...state, detail: `${state.detail}${engineLogTail(root)}` });
  const notes = [
    ...removalNotes(packages),
    `Started: dockerd (${started.how}); it goes on running. To stop: ${started.stop}`,
  ];
  return { socket: state.socket, notes };
}

/**
 * @param {string | null} osRelease content of /etc/os-release
 * @param {number | undefined} uid
 * @returns {boolean}
 */
export function isRootOnDebian(osRelease, uid) {
  return uid === 0 && isDebian(osRelease);
}

/**
 * @param {string | null} osRelease content of /etc/os-release
 * @returns {boolean} whether this is Debian or one of its children
 */
export function isDebian(osRelease) {
  if (osRelease === null) return false;
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap((match) => (match[1] ?? '').split(' '));
  return ids.includes('debian') || ids.includes('ubuntu');
}

/**
 * The packages without which no worker image can be had: the engine, and the tool that makes an image where no registry is.
 * @param {(executable: string) => boolean} has
 * @returns {string[]}
 */
export function packagesToInstall(has) {
  return [...(has('dockerd') ? [] : ['docker.io']), ...(has('mmdebstrap') ? [] : ['mmdebstrap'])];
}

/**
 * @param {readonly string[]} packages
 * @returns {string[]}
 */
export function removalNotes(packages) {
  return packages.length === 0
    ? []
    : [`Installed: ${packages.join(', ')}. To remove: apt-get purge ${packages.join(' ')} && apt-get autoremove`];
}

/**
 * The PATH with the folders where system programs lie, which a plain user's lacks.
 * @param {NodeJS.ProcessEnv} env
 * @returns {string}
 */
export function systemPath(env) {
  return `${env['PATH'] ?? ''}:/usr/sbin:/sbin`;
}

/**
 * Says what is about to be installed and, on a terminal, asks. Errors: `AC_SETUP_DECLINED`.
 * @param {string} why
 * @param {readonly string[]} packages
 * @param {{yes: boolean, say: (line: string) => void}} options
 */
export async function consent(why, packages, { yes, say }) {
  say(why);
  say(packages.length > 0 ? `To be installed with apt-get: ${packages.join(', ')}` : 'To be started: dockerd');
  if (yes || !process.stdin.isTTY) return;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // End of input, Ctrl-C and a terminal that goes away are no answer: nobody agreed.
  const asked = terminal.question('Go on? [Y/n] ').catch(() => 'no');
  const closed = once(terminal, 'close').then(() => 'no');
  const answer = (await Promise.race([asked, closed])).trim().toLowerCase();
  terminal.close();
  if (answer === '' || answer === 'y' || answer === 'yes') return;
  throw setupFailure('AC_SETUP_DECLINED');
}

/**
 * Installs with apt-get. Errors: `AC_ENGINE_INSTALL`.
 * @param {readonly string[]} packages
 * @param {{env: NodeJS.ProcessEnv, lockFd: number | null, say: (line: string) => void}} options
 */
export async function installPackages(packages, { env, lockFd, say }) {
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const step = {
    cwd: '/',
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
    lockFd,
    code: /** @type {const} */ ('AC_ENGINE_INSTALL'),
    parameters: { packages: packages.join(' ') },
  };
  say('apt-get update');
  await runStep('apt-get', ['-q', 'update'], step);
  say(line);
  await runStep('apt-get', ['-q', 'install', '-y', '--no-install-recommends', ...packages], step);
}

/**
 * @param {string} root
 * @param {{env: NodeJS.ProcessEnv, say: (line: string) => void}} options
 * @returns {Promise<{how: string, stop: string}>}
 */
async function startEngine(root, { env, say }) {
  const attempt = async (/** @type {string} */ file, /** @type {string[]} */ args) => {
    try {
      await runStep(file, args, { cwd: '/', env, code: 'AC_ENGINE_STOPPED' });
      return true;
    } catch (error) {
      say(`${file} ${args.join(' ')} failed: ${messageOf(error).split('\n')[0]}`);
      return false;
    }
  };
  if (existsSync('/run/systemd/system')) {
    if (await attempt('systemctl', ['start', 'docker'])) return { how: 'by systemd', stop: 'systemctl stop docker' };
  } else if (existsSync('/etc/init.d/docker') && findExecutable('service', systemPath(env)) !== null) {
    if (await attempt('service', ['docker', 'start']))
      return { how: 'by its init script', stop: 'service docker stop' };
  }
  return startDetached(root, env);
}

/**
 * Where nothing manages services, dockerd runs on its own, in its own session: it must outlive this start, since later
 * starts and running workers need it.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {{how: string, stop: string}}
 */
function startDetached(root, env) {
  const { cache, engineLog } = cachePaths(root);
  mkdirSync(cache, { recursive: true });
  forgetDeadProcess('/var/run/docker.pid', 'dockerd');
  forgetDeadProcess('/var/run/docker/containerd/containerd.pid', 'containerd');
  const log = openSync(engineLog, 'a');
  const path = systemPath(env);
  const daemon = spawn(findExecutable('dockerd', path) ?? 'dockerd', [], {
    cwd: '/',
    env: { ...env, PATH: path },
    detached: true,
    stdio: ['ignore', log, log],
  });
  // A dockerd that cannot run shows as a socket that never answers; its log says why.
  daemon.on('error', () => {});
  daemon.unref();
  closeSync(log);
  return {
    how: `process ${daemon.pid ?? '?'}, log .cache/dockerd.log`,
    stop: `kill ${daemon.pid ?? '$(cat /var/run/docker.pid)'}`,
  };
}

/**
 * Removes the pid file of a daemon that died without cleaning up, where its pid now belongs to no process or to another
 * one: dockerd takes any living process of that pid for its own and then refuses to start, or waits for it in vain.
 * @param {string} file
 * @param {string} program the name its process has
 */
export function forgetDeadProcess(file, program) {
  const pid = readText(file)?.trim();
  if (pid === undefined || readText(`/proc/${pid}/comm`)?.trim() === program) return;
  rmSync(file, { force: true });
}

/**
 * Waits until the engine answers: woken by changes beside its socket; the engine binds the socket before it answers
 * for good, so the question itself (which the engine holds until it is ready) is asked again on each wake-up.
 * @param {string} socket
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<import('./engine.mjs').EngineState>} the last state seen, `ready` or not
 */
async function untilReady(socket, env) {
  const deadline = Date.now() + startDeadline;
  let state = await detectEngine({ env, socket });
  while ((state.status === 'stopped' || state.status === 'absent') && Date.now() < deadline) {
    await nextChange(dirname(socket), Math.min(1000, Math.max(1, deadline - Date.now())));
    state = await detectEngine({ env, socket });
  }
  return state;
}

/**
 * Resolves at the next change in a folder, at the latest after `atMost` milliseconds (a socket can begin to answer
 * without any change in its folder).
 * @param {string} folder
 * @param {number} atMost
 * @returns {Promise<void>}
 */
function nextChange(folder, atMost) {
  return new Promise((resolve) => {
    const watcher = watch(folder);
    const done = () => {
      clearTimeout(timer);
      watcher.close();
      resolve();
    };
    const timer = setTimeout(done, atMost);
    watcher.on('change', done).on('error', done);
  });
}

/**
 * The last lines of the detached engine's log, for a failure message.
 * @param {string} root
 * @returns {string}
 */
function engineLogTail(root) {
  const log = readText(cachePaths(root).engineLog);
  return log === null ? '' : `; the end of .cache/dockerd.log:\n${log.trim().split('\n').slice(-5).join('\n')}`;
}
