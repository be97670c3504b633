// @ts-check
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findExecutable } from './child.mjs';
import { answerMessage, callEngine } from './engine-http.mjs';
import { setupFailure } from './errors.mjs';
import { messageOf, systemCode } from './failure.mjs';

/**
 * @typedef {'ready' | 'absent' | 'stopped' | 'forbidden' | 'no-limits' | 'unsupported'} EngineStatus
 * @typedef {{status: EngineStatus, socket: string, detail: string}} EngineState
 */

/** One code for each state in which no worker can be run. */
const codes = /** @type {const} */ ({
  'absent': 'AC_ENGINE_ABSENT',
  'stopped': 'AC_ENGINE_STOPPED',
  'forbidden': 'AC_ENGINE_FORBIDDEN',
  'no-limits': 'AC_ENGINE_NO_LIMITS',
  'unsupported': 'AC_ENGINE_ADDRESS',
});

/**
 * @param {EngineState} state not `ready`
 * @returns {import('./failure.mjs').SetupFailure}
 */
export function engineFailure(state) {
  if (state.status === 'ready') throw new Error('a ready engine is no failure');
  return setupFailure(codes[state.status], {}, state.detail);
}

/**
 * The socket to ask: DOCKER_HOST where set, else the first of the usual places that exists, else the system's.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} systemSocket
 * @returns {string | null} null where DOCKER_HOST is not a Unix socket
 */
export function engineSocket(env, systemSocket = '/var/run/docker.sock') {
  const host = env['DOCKER_HOST'];
  if (host !== undefined && host !== '') return host.startsWith('unix://') ? host.slice('unix://'.length) : null;
  const runtimeFolder = env['XDG_RUNTIME_DIR'];
  const usual = [
    systemSocket,
    ...(runtimeFolder === undefined ? [] : [join(runtimeFolder, 'docker.sock')]),
    join(homedir(), '.docker', 'run', 'docker.sock'),
  ];
  return usual.find((path) => existsSync(path)) ?? systemSocket;
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
    return limitsOf(socket, answer.body);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EACCES' || code === 'EPERM')
      return { status: 'forbidden', socket, detail: `${socket}: permission denied` };
    if (code !== 'ENOENT') return { status: 'stopped', socket, detail: `${socket}: ${messageOf(error)}` };
    const installed = findExecutable(process.platform === 'linux' ? 'dockerd' : 'docker', path);
    if (installed === null) return { status: 'absent', socket, detail: `no ${socket}, no dockerd on the PATH` };
    return { status: 'stopped', socket, detail: `${installed} is there, ${socket} is not` };
  }
}

/**
 * @param {string} socket
 * @param {string} body answer of `GET /info`
 * @returns {EngineState}
 */
function limitsOf(socket, body) {
  /** @type {Record<string, unknown>} */
  let info;
  try {
    info = JSON.parse(body);
  } catch {
    return { status: 'stopped', socket, detail: `${socket} does not speak the engine's API` };
  }
  const controls = /** @type {const} */ ({ MemoryLimit: 'memory', PidsLimit: 'processes', CpuCfsQuota: 'cpu' });
  const missing = Object.entries(controls).flatMap(([key, name]) => (info[key] === true ? [] : [name]));
  if (missing.length > 0) return { status: 'no-limits', socket, detail: `not limited: ${missing.join(', ')}` };
  return {
    status: 'ready',
    socket,
    detail: `${String(info['Name'] ?? 'engine')} ${String(info['ServerVersion'] ?? '')}`.trim(),
  };
}
