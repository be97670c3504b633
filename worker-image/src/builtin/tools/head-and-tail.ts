import { stripVTControlCharacters } from 'node:util';
import { OutputTail } from '../../output-tail.ts';

/** Bytes of the beginning of an output that the model sees; of its end it sees as much as a report carries. */
const headBytes = 8192;

/** The beginning and the end of an output, in bounded memory: at most 16 KiB. */
export class HeadAndTail {
  readonly #head: Buffer[] = [];
  #room = headBytes;
  readonly #tail = new OutputTail();
  #tailLength = 0;

  write(chunk: Buffer): void {
    const taken = this.#room >= chunk.length ? chunk.length : wholeCharacters(chunk, this.#room);
    if (taken > 0) this.#head.push(Buffer.from(chunk.subarray(0, taken)));
    this.#room = taken === chunk.length ? this.#room - taken : 0;
    this.#tail.write(chunk.subarray(taken));
    this.#tailLength += chunk.length - taken;
  }

  /** As a model reads it: without colours, and with a word on what is left out. */
  text(): string {
    const tail = this.#tail.text();
    const left = this.#tailLength - Buffer.byteLength(tail);
    const between = left > 0 ? `\n[${left} bytes left out]\n` : '';
    const head = Buffer.concat(this.#head).toString('utf8');
    return stripVTControlCharacters(head + between + tail);
  }
}

/** The most of the first `length` bytes that does not end within a character. */
function wholeCharacters(bytes: Buffer, length: number): number {
  let end = length;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end;
}
