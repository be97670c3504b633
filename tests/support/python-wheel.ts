import { createHash } from 'node:crypto';
import { storedZip } from './stored-zip.ts';

/** A wheel as an index serves it. */
export interface PublishedWheel {
  readonly name: string;
  readonly fileName: string;
  readonly content: Buffer;
  /** What its project's page says, and what the project must know of it. */
  readonly sha256: string;
  /** The page of an index (PEP 503) that names the wheel at this address. */
  readonly page: (address: string) => string;
  /** The line of a requirements file that pins it. */
  readonly requirement: string;
}

/** Makes a wheel (PEP 427) of one module with that name, and of `padding` bytes beside it. */
export function publishedWheel(name: string, padding = 0): PublishedWheel {
  const information = `${name}-1.0.0.dist-info`;
  const files: Record<string, string> = {
    [`${name}/__init__.py`]: `words = 'the words of ${name}'\n`,
    [`${name}/padding.txt`]: 'x'.repeat(padding),
    [`${information}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0.0\n`,
    [`${information}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const recorded = Object.entries(files).map(
    ([path, text]) => `${path},sha256=${createHash('sha256').update(text).digest('base64url')},${text.length}\n`,
  );
  const record = `${information}/RECORD`;
  const content = storedZip({ ...files, [record]: [...recorded, `${record},,\n`].join('') });
  const sha256 = createHash('sha256').update(content).digest('hex');
  const fileName = `${name}-1.0.0-py3-none-any.whl`;
  return {
    name,
    fileName,
    content,
    sha256,
    page: (address) => `<!DOCTYPE html><html><body><a href="${address}#sha256=${sha256}">${fileName}</a></body></html>`,
    requirement: `${name}==1.0.0 --hash=sha256:${sha256}\n`,
  };
}
