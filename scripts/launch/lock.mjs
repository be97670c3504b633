// @ts-check
import { createHash } from 'node:crypto';
import { closeSync, constants, mkdirSync, open, realpathSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemCode } from './failure.mjs';
import { cachePaths } from './paths.mjs';

/** `open(2)` flag of macOS and the BSDs: take an exclusive flock with the open. Node hands flags through as they are. */
const openExclusive = 0x20;

/**
 * One start at a time sets a checkout up. The lock must hold before anything is installed, so it is made of what Node
 * has; and it must vanish with its owner, so it is something the kernel frees: no pid file that outlives a `kill -9`.
 * - Linux: a socket in the abstract namespace; Windows: a named pipe. Binding the name is the lock, a second bind is
 *   refused. Who waits connects to it, and is woken when the owner lets go or dies, because the connection ends then.
 * - macOS: a file opened with O_EXLOCK; who waits hangs in `open(2)`.
 * The name is made of the checkout's real path. The descriptor is handed to the children of a step: if the launcher is
 * killed while npm runs, the name stays taken until npm is gone too, and no second npm writes into the same folder.
 *
 * @param {string} root the checkout
 * @param {(owner: string) => void} onWait called once if another start holds the lock
 * @returns {Promise<{fd: number | null, release: () => Promise<void>}>}
 */
export async function takeLock(root, onWait) {
  if (process.platform !== 'linux' && process.platform !== 'win32') return takeFileLock(root, onWait);
  const name = lockName(root);
  let told = false;
  for (;;) {
    const held = await bind(name);
    if (held !== null) return held;
    await waitForOwner(name, (owner) => {
      if (!told) onWait(owner);
      told = true;
    });
  }
}

/** @param {string} root */
function lockName(root) {
  const digest = createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 32);
  return process.platform === 'win32' ? `\\\\.\\pipe\\agentcompany-${digest}` : `\0agentcompany-${digest}`;
}

/**
 * @param {string} name
 * @returns {Promise<{fd: number | null, release: () => Promise<void>} | null>} null where another process holds the name
 */
function bind(name) {
  return new Promise((resolve, reject) => {
    /** @type {Set<import('node:net').Socket>} */
    const waiting = new Set();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => {}).on('close', () => waiting.delete(socket));
      socket.write(`process ${process.pid}\n`);
    });
    server.on('error', (error) => (systemCode(error) === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(name, () => {
      server.unref();
      const release = () =>
        new Promise((/** @type {(value: void) => void} */ done) => {
          server.close(() => done());
          for (const socket of waiting) socket.destroy();
        });
      resolve({ fd: descriptorOf(server), release });
    });
  });
}

/**
 * The listening descriptor, so that a child can inherit it; null on Windows, where a pipe has none.
 * @param {unknown} server
 * @returns {number | null}
 */
function descriptorOf(server) {
  const handle = /** @type {{_handle?: {fd?: number}}} */ (server)._handle;
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : null;
}

/**
 * Resolves when the owner is gone or has let go; also at once when there is no owner any more.
 * @param {string} name
 * @param {(owner: string) => void} onOwner
 * @returns {Promise<void>}
 */
function waitForOwner(name, onOwner) {
  return new Promise((resolve) => {
    const socket = connect(name);
    // A launcher that died under its step accepts no connection; its step still holds the name.
    const silent = setTimeout(() => onOwner('a step left by an earlier start'), 1000);
    socket.setEncoding('utf8').on('data', (text) => {
      clearTimeout(silent);
      onOwner(String(text).trim());
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(silent);
      resolve();
    });
  });
}

/**
 * @param {string} root
 * @param {(owner: string) => void} onWait
 * @returns {Promise<{fd: number | null, release: () => Promise<void>}>}
 */
async function takeFileLock(root, onWait) {
  const { cache } = cachePaths(root);
  mkdirSync(cache, { recursive: true });
  const waiting = setTimeout(() => onWait('another process'), 1000);
  try {
    const fd = await promisify(open)(
      join(cache, 'setup.lock'),
      constants.O_RDWR | constants.O_CREAT | openExclusive,
      0o600,
    );
    return { fd, release: async () => closeSync(fd) };
  } finally {
    clearTimeout(waiting);
  }
}
