import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputTail, tailBytes } from './output-tail.ts';

describe('the tail of an output', () => {
  it('is the end of what was written, in bounded memory', () => {
    const tail = new OutputTail();
    for (let line = 0; line < 100_000; line += 1) tail.write(Buffer.from(`line ${line}\n`));
    expect(tail.text()).toMatch(/line 99998\nline 99999\n$/);
    expect(Buffer.byteLength(tail.text())).toBeLessThanOrEqual(tailBytes);
  });

  it('never has more than 8 KiB and never half a character, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 6000 }), { maxLength: 6 }), (chunks) => {
        const tail = new OutputTail();
        for (const chunk of chunks) tail.write(Buffer.from(chunk));
        expect(Buffer.byteLength(tail.text())).toBeLessThanOrEqual(tailBytes);
      }),
    );
    const tail = new OutputTail();
    tail.write(Buffer.from('é'.repeat(5000)));
    expect(tail.text()).toMatch(/^é+$/);
  });
});
