// @ts-check
import { request } from 'node:http';

/**
 * One call to a container engine's API over its Unix socket. Resolves with the status and the body as text (at most
 * 4 MiB are kept); rejects with the system error of the connection, or with `ETIMEDOUT` when nothing moved for a while.
 * Calls that answer with a stream of JSON lines give them to `onLine` as they come.
 * @param {string} socketPath
 * @param {{method: string, path: string, contentType?: string, body?: import('node:stream').Readable, quietMs?: number, onLine?: (line: string) => void}} call
 * @returns {Promise<{status: number, body: string}>}
 */
export function callEngine(socketPath, { method, path, contentType, body, quietMs = 10_000, onLine }) {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        method,
        path,
        headers: { Host: 'engine', ...(contentType === undefined ? {} : { 'Content-Type': contentType }) },
      },
      (answer) => {
        let text = '';
        let line = '';
        answer.setEncoding('utf8');
        answer.on('data', (/** @type {string} */ chunk) => {
          if (text.length < 4 * 1024 * 1024) text += chunk;
          if (onLine === undefined) return;
          const lines = (line + chunk).split('\n');
          line = lines.pop() ?? '';
          for (const complete of lines) if (complete.trim() !== '') onLine(complete);
        });
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
      },
    );
    outgoing.setTimeout(quietMs, () =>
      outgoing.destroy(Object.assign(new Error(`no answer for ${quietMs / 1000} s`), { code: 'ETIMEDOUT' })),
    );
    outgoing.on('error', reject);
    if (body === undefined) outgoing.end();
    else {
      body.on('error', (error) => outgoing.destroy(error));
      body.pipe(outgoing);
    }
  });
}

/**
 * What went wrong according to a stream of JSON lines (pull, build, import answer 200 and say it in the stream), or null.
 * @param {string} body
 * @returns {string | null}
 */
export function streamedError(body) {
  for (const line of body.split('\n')) {
    if (!line.includes('"error')) continue;
    try {
      const message = JSON.parse(line).error;
      if (typeof message === 'string') return message;
    } catch {
      continue;
    }
  }
  return null;
}

/**
 * The message of an engine's error answer.
 * @param {{status: number, body: string}} answer
 * @returns {string}
 */
export function answerMessage({ status, body }) {
  try {
    const { message } = JSON.parse(body);
    if (typeof message === 'string') return message;
  } catch {
    // Not JSON: the status has to do.
  }
  return `status ${status}`;
}
