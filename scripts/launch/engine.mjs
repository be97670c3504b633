// @ts-check
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findExecutable } from './child.mjs';
import { answerMessage, callEngine } from './engine-http.mjs';
import { SetupFailure, messageOf, systemCode } from './failure.mjs';

/**
 * @typedef {'ready' | 'absent' | 'stopped' | 'forbidden' | 'no-limits' | 'unsupported'} EngineStatus
 * @typedef {{status: EngineStatus, socket: string, detail: string}} EngineState
 */

/** One code, one line and one remedy for each state in which no worker can be run. */
const failures = {
  absent: { code: 'AC_ENGINE_ABSENT', text: 'no container engine is installed', remedy: 'sudo apt-get install docker.io   (or see https://docs.docker.com/engine/install/), then run the command again' },
  stopped: { code: 'AC_ENGINE_STOPPED', text: 'the container engine is installed but not running', remedy: 'sudo systemctl start docker   (without systemd: sudo service docker start), then run the command again' },
  forbidden: { code: 'AC_ENGINE_FORBIDDEN', text: 'the container engine runs, but this user may not use it', remedy: 'sudo usermod -aG docker "$USER" && newgrp docker   (note that this group is as good as root), then run the command again' },
  'no-limits': {
    code: 'AC_ENGINE_NO_LIMITS',
    text: 'the container engine does not enforce limits on containers',
    remedy: 'give it the memory, pids and cpu controllers (cgroup v2, or "cgroup_enable=memory" on the kernel command line); AGENTCOMPANY_ACCEPT_NO_LIMITS=true runs workers without',
  },
  unsupported: { code: 'AC_ENGINE_UNSUPPORTED', text: 'DOCKER_HOST does not name a Unix socket', remedy: 'unset DOCKER_HOST, or set it to unix:///path/of/the.sock' },
};

/**
 * @param {EngineState} state not `ready`
 * @returns {SetupFailure}
 */
export function engineFailure(state) {
  if (state.status === 'ready') throw new Error('a ready engine is no failure');
  const { code, text, remedy } = failures[state.status];
  return new SetupFailure(code, `${text} (${state.detail})`, remedy);
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
  const usual = [systemSocket, ...(runtimeFolder === undefined ? [] : [join(runtimeFolder, 'docker.sock')]), join(homedir(), '.docker', 'run', 'docker.sock')];
  return usual.find((path) => existsSync(path)) ?? systemSocket;
}

/**
 * Asks the engine what it is worth: `GET /info` over the socket, and where nothing answers whether one is installed.
 * @param {{env: NodeJS.ProcessEnv, socket?: string | null, path?: string | undefined}} [where] `path`: the PATH to look for an installed engine
 * @returns {Promise<EngineState>}
 */
export async function detectEngine({ env, socket = engineSocket(env), path = `${env['PATH'] ?? ''}:/usr/sbin:/sbin` } = { env: process.env }) {
  if (socket === null) return { status: 'unsupported', socket: '', detail: `DOCKER_HOST=${env['DOCKER_HOST'] ?? ''}` };
  try {
    const answer = await callEngine(socket, { method: 'GET', path: '/info' });
    if (answer.status === 401 || answer.status === 403) return { status: 'forbidden', socket, detail: answerMessage(answer) };
    if (answer.status !== 200) return { status: 'stopped', socket, detail: `${socket} answers: ${answerMessage(answer)}` };
    return limitsOf(socket, answer.body);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EACCES' || code === 'EPERM') return { status: 'forbidden', socket, detail: `${socket}: permission denied` };
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
  return { status: 'ready', socket, detail: `${String(info['Name'] ?? 'engine')} ${String(info['ServerVersion'] ?? '')}`.trim() };
}
