import { isUtf8 } from 'node:buffer';
import { success, type ChangedPath, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';

/** A changed path with what the policy needs besides: the blobs, and whether the name is text at all. */
export interface RawChange extends ChangedPath {
  readonly oldOid: string;
  readonly newOid: string;
  readonly isText: boolean;
}

const listingLimit = 64 * 1024 * 1024;
const record = /^:(\d{6}) (\d{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) ([AMDT])$/u;

/** The raw differences of two commits, renames shown as what they are: a removal and an addition. */
export async function rawChanges(
  repository: BareRepository,
  from: string,
  to: string,
): Promise<Result<readonly RawChange[]>> {
  const answer = await repository.run({
    arguments: ['diff-tree', '-r', '-z', '--raw', '--no-abbrev', '--no-renames', '--end-of-options', from, to],
    gitDir: repository.folder,
    outputLimit: listingLimit,
  });
  return answer.ok ? success(parseRawDiff(answer.value.stdout)) : answer;
}

/** A difference with its size in lines; binary files count none. */
export interface CountedDiff {
  readonly changes: readonly RawChange[];
  readonly insertions: number;
  readonly deletions: number;
}

/** The raw differences of two commits and the lines they add and remove. */
export async function countedDiff(repository: BareRepository, from: string, to: string): Promise<Result<CountedDiff>> {
  const options = ['-r', '-z', '--raw', '--numstat', '--no-abbrev', '--no-renames', '--no-ext-diff', '--no-textconv'];
  const answer = await repository.run({
    arguments: ['diff-tree', ...options, '--end-of-options', from, to],
    gitDir: repository.folder,
    outputLimit: 2 * listingLimit,
    timeoutMs: 180_000,
  });
  return answer.ok ? success(parseCountedDiff(answer.value.stdout)) : answer;
}

/** Reads `diff-tree -r -z --raw --numstat`: all raw records, each begun by a colon, then all counts. */
function parseCountedDiff(output: Buffer): CountedDiff {
  const colon = 0x3a;
  const fields = splitNul(output);
  let end = 0;
  while (fields[end]?.[0] === colon) end += 2;
  let insertions = 0;
  let deletions = 0;
  for (const field of fields.slice(end)) {
    // A binary file has `-` for both numbers.
    const [added = '-', removed = '-'] = field.toString('latin1').split('\t');
    if (added !== '-') insertions += Number(added);
    if (removed !== '-') deletions += Number(removed);
  }
  return { changes: readRecords(fields.slice(0, end)), insertions, deletions };
}

/** Reads `diff-tree -r -z --raw`: a record, NUL, a path, NUL, again. Throws on anything else: git wrote it. */
function parseRawDiff(output: Buffer): readonly RawChange[] {
  return readRecords(splitNul(output));
}

function readRecords(fields: readonly Buffer[]): readonly RawChange[] {
  const changes: RawChange[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const head = fields[index]?.toString('latin1') ?? '';
    const name = fields[index + 1] ?? Buffer.alloc(0);
    const [, oldMode = '', newMode = '', oldOid = '', newOid = '', letter] = record.exec(head) ?? [];
    if (letter !== 'A' && letter !== 'M' && letter !== 'D' && letter !== 'T')
      throw new Error(`not a raw diff record: ${head}`);
    changes.push({
      path: name.toString('utf8'),
      status: letter,
      old_mode: oldMode,
      new_mode: newMode,
      oldOid,
      newOid,
      isText: isUtf8(name),
    });
  }
  return changes;
}

/** Splits at NUL; the last field is what stands before the last NUL. */
export function splitNul(output: Buffer): readonly Buffer[] {
  const fields: Buffer[] = [];
  for (let start = 0; start < output.length;) {
    const end = output.indexOf(0, start);
    if (end === -1) break;
    fields.push(output.subarray(start, end));
    start = end + 1;
  }
  return fields;
}

/** The part of a change that leaves this package. */
export function changedPath({ path, status, old_mode, new_mode }: RawChange): ChangedPath {
  return { path, status, old_mode, new_mode };
}
