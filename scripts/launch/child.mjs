// @ts-check
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { constants as system } from 'node:os';
import { delimiter, join } from 'node:path';
import { setupFailure } from './errors.mjs';

/** How much of a failed step's output is shown. */
const shownBytes = 4000;

/**
 * Runs one step of the set-up with its output held back; a failure shows the end of it.
 * `lockFd` is handed on to the child, so that the lock outlives a launcher that is killed while npm still writes.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{cwd: string, env?: NodeJS.ProcessEnv, lockFd?: number | null, code: import('./errors.mjs').LaunchCode, parameters?: Readonly<Record<string, string>>}} options
 * @returns {Promise<string>} its standard output
 */
export function runStep(file, args, options) {
  return new Promise((resolve, reject) => {
    const fds = options.lockFd === null || options.lockFd === undefined ? [] : [options.lockFd];
    const child = spawn(file, [...args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe', ...fds],
    });
    let output = '';
    let errors = '';
    child.stdout?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (/** @type {string} */ text) => (errors = (errors + text).slice(-shownBytes)));
    const fail = (/** @type {string} */ reason) => {
      const detail = `${errors}\n${output.slice(-shownBytes)}`.trim().slice(-shownBytes);
      {
        const failure = setupFailure(options.code, options.parameters, reason);
        if (detail !== '') failure.message += `\n${detail}`;
        reject(failure);
      }
    };
    child.on('error', (error) => fail(error.message));
    child.on('close', (status, signal) => {
      if (status === 0) resolve(output);
      else fail(signal === null ? `exit code ${status}` : `ended by ${signal}`);
    });
  });
}

/**
 * Runs what the user asked for on the user's own terminal and resolves with its exit code (128 + n after signal n).
 * Ctrl-C reaches the child through the terminal: the launcher only waits for what the child makes of it.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{cwd: string, env?: NodeJS.ProcessEnv}} options
 * @returns {Promise<number>}
 */
export function runForeground(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], { cwd: options.cwd, env: options.env ?? process.env, stdio: 'inherit' });
    const keepWaiting = () => {};
    const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    process.on('SIGINT', keepWaiting);
    for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, forward);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      process.off('SIGINT', keepWaiting);
      for (const name of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.off(name, forward);
      resolve(status ?? 128 + (signal === null ? 0 : system.signals[signal]));
    });
  });
}

/**
 * The first executable file of that name in the folders of a PATH, or null.
 * @param {string} name
 * @param {string | undefined} path
 * @returns {string | null}
 */
export function findExecutable(name, path) {
  for (const folder of (path ?? '').split(delimiter)) {
    if (folder === '') continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      continue;
    }
  }
  return null;
}
