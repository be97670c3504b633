import type { Socket } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demultiplex } from './demultiplex.ts';

/** A pair of which one end stands for the engine's socket. */
function socketPair(): readonly [Socket, Duplex] {
  const [near, far] = duplexPair({ highWaterMark: 16_384 });
  return [near as unknown as Socket, far];
}

function frame(stream: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

describe('splitting an attached stream', () => {
  it('gives each stream its own bytes however the engine cuts them', async () => {
    const bytes = Buffer.concat([
      frame(1, 'door one '),
      frame(2, 'log one '),
      frame(1, ''),
      frame(1, 'door two'),
      frame(2, 'log two'),
    ]);
    const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(cuts, async (sizes) => {
        const [socket, engine] = socketPair();
        const first = bytes.subarray(0, sizes[0]);
        const { door, log } = demultiplex(socket, first);
        let rest = bytes.subarray(first.length);
        for (const size of sizes.slice(1)) {
          engine.write(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        engine.end(rest);
        expect(await Promise.all([text(door), text(log)])).toEqual(['door one door two', 'log one log two']);
      }),
      { numRuns: 50 },
    );
  });

  it('writes to the door as they are, and ends with it', async () => {
    const [socket, engine] = socketPair();
    const { door } = demultiplex(socket, Buffer.alloc(0));
    door.end('to the worker');
    expect(await text(engine)).toBe('to the worker');
  });

  it('pauses the engine while the door is not read: memory stays bounded', async () => {
    const [socket, engine] = socketPair();
    const { door, log } = demultiplex(socket, Buffer.alloc(0));
    log.resume();
    const piece = frame(1, Buffer.alloc(8192));
    let written = 0;
    while (engine.write(piece) && written < 10_000_000) written += piece.length;
    await new Promise((resolve) => void setImmediate(resolve));
    while (!engine.writableNeedDrain && written < 10_000_000) {
      engine.write(piece);
      written += piece.length;
      await new Promise((resolve) => void setImmediate(resolve));
    }
    expect(written).toBeLessThan(1_000_000);
    expect(door.readableLength).toBeLessThan(200_000);
  });

  it('breaks the door on a frame of an unknown stream', async () => {
    const [socket, engine] = socketPair();
    const { door } = demultiplex(socket, Buffer.alloc(0));
    const broken = new Promise((resolve) => void door.once('error', resolve));
    engine.write(frame(7, 'what is this'));
    expect(String(await broken)).toContain('unknown stream 7');
  });
});
