import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerLimit, readBundleHeader } from './bundle-header.ts';

const one = '1'.repeat(40);
const two = '2'.repeat(40);
const pack = Buffer.from([...Buffer.from('PACK'), 0, 0, 0, 2, 0, 0, 0, 7, 1, 2, 3]);

function read(text: string, rest = pack): ReturnType<typeof readBundleHeader> {
  return readBundleHeader(Buffer.concat([Buffer.from(text, 'latin1'), rest]));
}

describe('the header of a bundle', () => {
  it('is read as git writes it', () => {
    const text = `# v2 git bundle\n-${one} a subject\n-${two}\n${two} refs/heads/x\n\n`;
    expect(read(text)).toEqual({
      header: {
        prerequisites: [one, two],
        references: [{ name: 'refs/heads/x', oid: two }],
        length: text.length,
        objects: 7,
      },
    });
  });

  it.each([
    ['', 'not a version 2 bundle'],
    [`# v3 git bundle\n@object-format=sha1\n${one} refs/heads/x\n\n`, 'not a version 2 bundle'],
    [`# v2 git bundle\n@filter=blob:none\n${one} refs/heads/x\n\n`, 'neither'],
    [`# v2 git bundle\n${one} refs/heads/x\n-${two}\n\n`, 'neither'],
    [`# v2 git bundle\n${one} refs/heads/x y\n\n`, 'neither'],
    [`# v2 git bundle\n${one.toUpperCase().replaceAll('1', 'A')} refs/heads/x\n\n`, 'neither'],
    [`# v2 git bundle\n${'1'.repeat(64)} refs/heads/x\n\n`, 'neither'],
    [`# v2 git bundle\n${one} refs/heads/x\n`, 'no end'],
    [`# v2 git bundle\n-${one} ${'x'.repeat(headerLimit)}\n\n`, 'no end'],
  ])('refuses %j', (text, problem) => {
    const reading = read(text);
    expect('problem' in reading ? reading.problem : '').toContain(problem);
  });

  it('refuses what is not a version 2 pack behind it', () => {
    const text = `# v2 git bundle\n${one} refs/heads/x\n\n`;
    for (const rest of ['', 'PACK', 'PACK\0\0\0\u0003\0\0\0\u0001', 'JUNK\0\0\0\u0002\0\0\0\u0001']) {
      expect(read(text, Buffer.from(rest, 'latin1'))).toEqual({ problem: 'no version 2 pack follows its header' });
    }
  });

  it('never throws, whatever the bytes', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(`-${one}`, `${one} refs/heads/x`, '', '-', '\0'),
    );
    const text = fc.array(line).map((lines) => `# v2 git bundle\n${lines.join('\n')}\n\nPACK`);
    const input = fc.oneof(text, fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(input, (bytes) => {
        const reading = readBundleHeader(Buffer.from(bytes));
        expect(Object.keys(reading)).toHaveLength(1);
      }),
    );
  });
});
