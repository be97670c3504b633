import { createHash } from 'node:crypto';
import { failure, maximumCheckpointBytes, success } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { engineErrors } from '../engine/errors.ts';
import type { CheckpointStore } from './attempt-services.ts';
import { openTestDoor } from './testing/open-test-door.ts';

function headersOf(content: Buffer): Record<string, string> {
  const digest = createHash('sha256').update(content).digest('base64');
  return { 'content-length': String(content.length), 'content-digest': `sha-256=:${digest}:` };
}

function memoryStore(): CheckpointStore & { content: Buffer | null } {
  return {
    content: null,
    async read() {
      return success(this.content);
    },
    async write(content) {
      this.content = content;
      return success();
    },
  };
}

describe('a checkpoint at the door', () => {
  it('is taken whole and given back, however large it may be', async () => {
    const checkpoint = memoryStore();
    const { call } = await openTestDoor({ checkpoint });
    expect((await call('GET', '/checkpoint')).status).toBe(404);
    const content = Buffer.alloc(maximumCheckpointBytes, 'a checkpoint ');
    expect((await call('PUT', '/checkpoint', content, headersOf(content))).status).toBe(204);
    expect(checkpoint.content?.equals(content)).toBe(true);
    const given = await call('GET', '/checkpoint');
    expect([given.status, given.body === content.toString()]).toEqual([200, true]);
  });

  it('is refused where it is too large, or not what was announced, and the earlier one stays', async () => {
    const checkpoint = memoryStore();
    const { call } = await openTestDoor({ checkpoint });
    const content = Buffer.from('good');
    await call('PUT', '/checkpoint', content, headersOf(content));
    const announced = headersOf(Buffer.from('evil'));
    expect((await call('PUT', '/checkpoint', 'bad!', announced)).status).toBe(400);
    const { 'content-digest': digest = '' } = headersOf(content);
    expect((await call('PUT', '/checkpoint', content, { 'content-digest': digest })).status).toBe(411);
    expect((await call('PUT', '/checkpoint', content, { 'content-length': '4' })).status).toBe(411);
    const huge = Buffer.alloc(maximumCheckpointBytes + 1);
    expect((await call('PUT', '/checkpoint', huge, headersOf(huge))).status).toBe(413);
    expect(checkpoint.content?.toString()).toBe('good');
  });

  it('is taken one at a time', async () => {
    const writing = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    const slow: CheckpointStore = {
      read: async () => success(null),
      write: async () => {
        begun.resolve(undefined);
        await writing.promise;
        return success();
      },
    };
    const { call } = await openTestDoor({ checkpoint: slow });
    const content = Buffer.from('one');
    const first = call('PUT', '/checkpoint', content, headersOf(content));
    await begun.promise;
    expect((await call('PUT', '/checkpoint', content, headersOf(content))).status).toBe(409);
    writing.resolve(undefined);
    expect((await first).status).toBe(204);
    expect((await call('PUT', '/checkpoint', content, headersOf(content))).status).toBe(204);
  });

  it('is answered with 507 and 500 where the host’s disk fails, and not at all where an attempt has none', async () => {
    const error = engineErrors.AC_CHECKPOINT_STORE({ folder: '/x' });
    const broken = { read: async () => failure(error), write: async () => failure(error) };
    const { call } = await openTestDoor({ checkpoint: broken });
    const content = Buffer.from('one');
    expect((await call('PUT', '/checkpoint', content, headersOf(content))).status).toBe(507);
    expect((await call('GET', '/checkpoint')).status).toBe(500);
    const without = await openTestDoor({});
    expect((await without.call('PUT', '/checkpoint', content, headersOf(content))).status).toBe(404);
    expect((await without.call('GET', '/checkpoint')).status).toBe(404);
  });
});
