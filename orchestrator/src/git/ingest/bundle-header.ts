/** What the first bytes of a bundle say. It is a worker's claim, to be compared with what was asked for. */
export interface BundleHeader {
  readonly prerequisites: readonly string[];
  readonly references: readonly { readonly name: string; readonly oid: string }[];
  /** Where the pack begins, in bytes. */
  readonly length: number;
  /** Objects the pack says it holds. */
  readonly objects: number;
}

export type HeaderReading = { readonly header: BundleHeader } | { readonly problem: string };

/** Bytes read of a bundle to find its header; one with more prerequisites than fit is refused. */
export const headerLimit = 64 * 1024;

const signature = '# v2 git bundle\n';
const prerequisiteLine = /^-([0-9a-f]{40})(?: .*)?$/u;
const referenceLine = /^([0-9a-f]{40}) (\S+)$/u;

/**
 * Reads the header of a version 2 bundle (gitformat-bundle(5)) from the file's first bytes: the signature,
 * prerequisites, references, an empty line, then a version 2 pack (gitformat-pack(5)). Everything else is a problem.
 */
export function readBundleHeader(bytes: Buffer): HeaderReading {
  if (!bytes.subarray(0, signature.length).equals(Buffer.from(signature))) return { problem: 'not a version 2 bundle' };
  const end = bytes.indexOf('\n\n', signature.length - 1);
  if (end === -1 || end > headerLimit) return { problem: 'its header has no end' };
  const text = bytes.subarray(signature.length, Math.max(end, signature.length)).toString('latin1');
  const length = end + 2;
  const pack = bytes.subarray(length, length + 12);
  if (pack.length < 12 || pack.toString('latin1', 0, 4) !== 'PACK' || pack.readUInt32BE(4) !== 2) {
    return { problem: 'no version 2 pack follows its header' };
  }
  const lines = text === '' ? [] : text.split('\n');
  const prerequisites: string[] = [];
  const references: { name: string; oid: string }[] = [];
  for (const line of lines) {
    const prerequisite = prerequisiteLine.exec(line)?.[1];
    const [, oid, name] = referenceLine.exec(line) ?? [];
    if (prerequisite !== undefined && references.length === 0) prerequisites.push(prerequisite);
    else if (oid !== undefined && name !== undefined) references.push({ name, oid });
    else return { problem: 'a line of its header is neither a prerequisite nor a reference' };
  }
  return { header: { prerequisites, references, length, objects: pack.readUInt32BE(8) } };
}
