import { createHash } from 'node:crypto';
import { doorPaths } from '@agentcompany/protocol';
import { readAnswer, type DoorClient } from './door-client.ts';
import { sendInPieces } from './in-pieces.ts';

/** What an earlier attempt of the task left; null where there is nothing. */
export async function getCheckpoint(door: DoorClient): Promise<string | null> {
  try {
    const { status, body } = await door.send('GET', doorPaths.checkpoint, undefined);
    return status === 200 ? body : null;
  } catch {
    return null;
  }
}

/** Leaves `content` for the task's next attempt; durable when it is true. */
export async function putCheckpoint(door: DoorClient, content: Buffer): Promise<boolean> {
  const digest = createHash('sha256').update(content).digest('base64');
  const stream = door.request('PUT', doorPaths.checkpoint, {
    'content-length': String(content.length),
    'content-digest': `sha-256=:${digest}:`,
  });
  try {
    const answered = readAnswer(stream);
    const [{ status }] = await Promise.all([answered, sendInPieces(content, stream)]);
    return status >= 200 && status < 300;
  } catch {
    return false;
  }
}
