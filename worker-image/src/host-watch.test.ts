import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { watchHost } from './host-watch.ts';

function watched(silentMs: number): { readonly input: PassThrough; readonly gone: Promise<string> } {
  const input = new PassThrough();
  const { promise: gone, resolve } = Promise.withResolvers<string>();
  onTestFinished(watchHost(input, silentMs, resolve));
  return { input, gone };
}

describe('watching the host', () => {
  it('S20 notices the end of the input', async () => {
    const { input, gone } = watched(60_000);
    input.end();
    expect(await gone).toBe('the input ended');
  });

  it('S20 notices that nothing comes any more though the input stays open', async () => {
    const { input, gone } = watched(120);
    input.write('a ping');
    expect(await gone).toContain('nothing came');
  });
});
