import type { Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import type { Attachment } from '../container-engine.ts';

const headerBytes = 8;
const standardOutput = 1;
const standardError = 2;

/** What the engine sends: frames of `[stream, 0, 0, 0, length as 4 bytes]` and `length` bytes (Docker Engine API, attach). */
interface FrameState {
  header: Buffer;
  stream: number;
  remaining: number;
}

/**
 * Splits an attached socket into its streams. Payload is handed on in pieces as it arrives, never gathered, and the
 * socket is paused while either reader is full: memory stays bounded whatever the container sends.
 */
export function demultiplex(socket: Socket, head: Buffer): Attachment {
  const state: FrameState = { header: Buffer.alloc(0), stream: 0, remaining: 0 };
  const full = new Set<Readable>();
  const resume = (reader: Readable): void => {
    if (full.delete(reader) && full.size === 0) socket.resume();
  };
  const log: Readable = new Readable({
    read: () => resume(log),
    destroy: (error, done) => {
      resume(log);
      done(error);
    },
  });
  const door: Duplex = new Duplex({
    read: () => resume(door),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, (error) => done(error ?? null)),
    // Finished at once, whether or not the container still reads: Node's HTTP/2 over a plain stream ends the process with an
    // internal assertion when it has to write while the end of its stream is still pending.
    final: (done) => {
      socket.end();
      done();
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });

  function deliver(bytes: Buffer): void {
    const reader = state.stream === standardError ? log : door;
    if (!reader.destroyed && !reader.push(bytes)) full.add(reader);
  }

  /** Consumes one header or one piece of payload from the front of `bytes`; returns what is left. */
  function consume(bytes: Buffer): Buffer {
    if (state.remaining > 0) {
      const piece = bytes.subarray(0, state.remaining);
      state.remaining -= piece.length;
      deliver(piece);
      return bytes.subarray(piece.length);
    }
    const missing = headerBytes - state.header.length;
    state.header = Buffer.concat([state.header, bytes.subarray(0, missing)]);
    if (state.header.length === headerBytes) {
      state.stream = state.header[0] ?? 0;
      state.remaining = state.header.readUInt32BE(4);
      state.header = Buffer.alloc(0);
      if (state.stream !== standardOutput && state.stream !== standardError) {
        door.destroy(new Error(`the engine sent a frame of unknown stream ${state.stream}`));
      }
    }
    return bytes.subarray(missing);
  }

  function take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !door.destroyed) rest = consume(rest);
    if (full.size > 0) socket.pause();
  }

  function finish(): void {
    if (!door.destroyed) door.push(null);
    if (!log.destroyed) log.push(null);
  }

  socket.on('data', take);
  socket.once('end', finish);
  socket.once('close', finish);
  socket.on('error', (error) => door.destroy(error));
  if (head.length > 0) take(head);
  return { door, log, close: () => void socket.destroy() };
}
