// @ts-check
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findExecutable } from './child.mjs';
import { answerMessage, callEngine } from './engine-http.mjs';
import { setupFailure } from './errors.mjs';
import { messageOf, systemCode } from './failure.mjs';

/**
 * @typedef {'ready' | 'absent' | 'stopped' | 'forbidden' | 'no-limits' | 'unsupported' | 'as-root'} EngineStatus
 * @typedef {{status: EngineStatus, socket: string, detail: string}} EngineState
 */

/** One code for each state in which no worker can be run. */
const codes = /** @type {const} */ ({
  'absent': 'AC_ENGINE_ABSENT',
  'stopped': 'AC_ENGINE_STOPPED',
  'forbidden': 'AC_ENGINE_FORBIDDEN',
  'no-limits': 'AC_ENGINE_NO_LIMITS',
  'unsupported': 'AC_ENGINE_ADDRESS',
  'as-root': 'AC_ROOTLESS_AS_ROOT',
});

/**
 * @param {EngineState} state not `ready`
 * @param {boolean} [rootless] whether an engine without root was wanted
 * @returns {import('./failure.mjs').SetupFailure}
 */
export function engineFailure(state, rootless = false) {
  if (state.status === 'ready') throw new Error('a ready engine is no failure');
  const code = codes[state.status];
  const isStopped = code === 'AC_ENGINE_ABSENT' || code === 'AC_ENGINE_STOPPED';
  return isStopped && rootless
    ? setupFailure(
        code === 'AC_ENGINE_ABSENT' ? 'AC_ROOTLESS_ABSENT' : 'AC_ROOTLESS_STOPPED',
        { socket: state.socket },
        state.detail,
      )
    : setupFailure(code, {}, state.detail);
}

/**
 * The socket to ask: DOCKER_HOST where set, else the first of the usual places that exists, else the system's.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} systemSocket
 * @returns {string | null} null where DOCKER_HOST is not a Unix socket
 */
export function engineSocket(env, systemSocket = '/var/run/docker.sock') {
  const named = (wantsRootless(env) ? ['CONTAINER_HOST', 'DOCKER_HOST'] : ['DOCKER_HOST']).map((name) => env[name]);
  const host = named.find((value) => value !== undefined && value !== '');
  if (host !== undefined) return host.startsWith('unix://') ? host.slice('unix://'.length) : null;
  const runtimeFolder = env['XDG_RUNTIME_DIR'];
  if (wantsRootless(env)) return rootlessSocket(runtimeFolder);
  const usual = [
    systemSocket,
    ...(runtimeFolder === undefined ? [] : [join(runtimeFolder, 'docker.sock')]),
    join(homedir(), '.docker', 'run', 'docker.sock'),
  ];
  return usual.find((path) => existsSync(path)) ?? systemSocket;
}

/**
 * Whether workers are to run in an engine without root. The launcher knows no company's configuration, only the variable above it.
 * @param {NodeJS.ProcessEnv} env
 * @returns {boolean}
 */
export function wantsRootless(env) {
  return env['AGENTCOMPANY_CONTAINER_RUNTIME'] === 'rootless';
}

/**
 * As orchestrator/src/containers/rootless/engine-sockets.ts has it.
 * @param {string | undefined} runtimeFolder
 * @returns {string}
 */
function rootlessSocket(runtimeFolder) {
  const folders = [...(runtimeFolder === undefined ? [] : [runtimeFolder]), `/run/user/${process.getuid?.() ?? 0}`];
  const usual = folders.flatMap((folder) => [join(folder, 'podman', 'podman.sock'), join(folder, 'docker.sock')]);
  return usual.find((path) => existsSync(path)) ?? join(folders[0] ?? '', 'podman', 'podman.sock');
}

/**
 * Asks the engine what it is worth: `GET /info` over the socket, and where nothing answers whether one is installed.
 * @param {{env: NodeJS.ProcessEnv, socket?: string | null, path?: string | undefined}} [where] `path`: the PATH to look for an installed engine
 * @returns {Promise<EngineState>}
 */
export async function detectEngine(
  { env, socket = engineSocket(env), path = `${env['PATH'] ?? ''}:/usr/sbin:/sbin` } = { env: process.env },
) {
  if (socket === null) return { status: 'unsupported', socket: '', detail: `DOCKER_HOST=${env['DOCKER_HOST'] ?? ''}` };
  try {
    const answer = await callEngine(socket, { method: 'GET', path: '/info' });
    if (answer.status === 401 || answer.status === 403)
      return { status: 'forbidden', socket, detail: answerMessage(answer) };
    if (answer.status !== 200)
      return { status: 'stopped', socket, detail: `${socket} answers: ${answerMessage(answer)}` };
    return worthOf(socket, answer.body, wantsRootless(env));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EACCES' || code === 'EPERM')
      return { status: 'forbidden', socket, detail: `${socket}: permission denied` };
    if (code !== 'ENOENT') return { status: 'stopped', socket, detail: `${socket}: ${messageOf(error)}` };
    const program = wantsRootless(env) ? 'podman' : process.platform === 'linux' ? 'dockerd' : 'docker';
    const installed = findExecutable(program, path);
    if (installed === null) return { status: 'absent', socket, detail: `no ${socket}, no ${program} on the PATH` };
    return { status: 'stopped', socket, detail: `${installed} is there, ${socket} is not` };
  }
}

/**
 * @param {string} socket
 * @param {string} body answer of `GET /info`
 * @param {boolean} rootless whether it has to run without root
 * @returns {EngineState}
 */
function worthOf(socket, body, rootless) {
  /** @type {Record<string, unknown>} */
  let info;
  try {
    info = JSON.parse(body);
  } catch {
    return { status: 'stopped', socket, detail: `${socket} does not speak the engine's API` };
  }
  const options = Array.isArray(info['SecurityOptions']) ? info['SecurityOptions'].map(String) : [];
  const isRootless = info['Rootless'] === true || options.some((option) => option.startsWith('name=rootless'));
  if (rootless && !isRootless) return { status: 'as-root', socket, detail: `${socket} belongs to an engine of root` };
  // No user can set limits there: Podman claims what the machine could do.
  if (isRootless && info['CgroupVersion'] === '1')
    return {
      status: 'no-limits',
      socket,
      detail: 'not limited: memory, processes, cpu (cgroup version 1, without root)',
    };
  const controls = /** @type {const} */ ({ MemoryLimit: 'memory', PidsLimit: 'processes', CpuCfsQuota: 'cpu' });
  const missing = Object.entries(controls).flatMap(([key, name]) => (info[key] === true ? [] : [name]));
  if (missing.length > 0) return { status: 'no-limits', socket, detail: `not limited: ${missing.join(', ')}` };
  return {
    status: 'ready',
    socket,
    detail: `${String(info['Name'] ?? 'engine')} ${String(info['ServerVersion'] ?? '')}`.trim(),
  };
}
