import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';

/**
 * The content of blobs by object name, those beyond `maxBytes` left out: their size is asked for first, so a huge one is
 * never loaded.
 */
export async function readBlobs(
  repository: BareRepository,
  oids: readonly string[],
  maxBytes: number,
): Promise<Result<ReadonlyMap<string, Buffer>>> {
  const contents = new Map<string, Buffer>();
  const wanted = [...new Set(oids)];
  if (wanted.length === 0) return success(contents);
  const sizes = await blobSizes(repository, wanted);
  if (!sizes.ok) return sizes;
  const readable = [...sizes.value].filter(([, size]) => size <= maxBytes).map(([oid, size]) => ({ oid, size }));
  for (const part of parts(readable)) {
    const answer = await repository.run({
      arguments: ['cat-file', '--batch=%(objectsize)', '--buffer'],
      gitDir: repository.folder,
      input: `${part.map(({ oid }) => oid).join('\n')}\n`,
      outputLimit: part.reduce((sum, { size }) => sum + size + 32, 0),
    });
    if (!answer.ok) return answer;
    let position = 0;
    for (const { oid, size } of part) {
      const start = answer.value.stdout.indexOf('\n', position) + 1;
      contents.set(oid, answer.value.stdout.subarray(start, start + size));
      position = start + size + 1;
    }
  }
  return success(contents);
}

/** Bytes of blobs by object name; what is no blob, or not there, is absent. */
export async function blobSizes(
  repository: BareRepository,
  oids: readonly string[],
): Promise<Result<ReadonlyMap<string, number>>> {
  const wanted = [...new Set(oids)];
  if (wanted.length === 0) return success(new Map());
  const sized = await repository.run({
    arguments: ['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)', '--buffer'],
    gitDir: repository.folder,
    input: `${wanted.join('\n')}\n`,
    outputLimit: wanted.length * 80,
  });
  if (!sized.ok) return sized;
  const lines = sized.value.stdout.toString('latin1').split('\n');
  return success(
    new Map(
      lines
        .map((line) => line.split(' '))
        .flatMap(([oid = '', type, size]): [string, number][] => (type === 'blob' ? [[oid, Number(size)]] : [])),
    ),
  );
}

/** Groups of at most 32 MiB, so that memory stays bounded however many blobs are asked for. */
function parts<Sized extends { readonly size: number }>(blobs: readonly Sized[]): readonly (readonly Sized[])[] {
  const groups: Sized[][] = [];
  let room = 0;
  for (const blob of blobs) {
    if (room < blob.size || groups.length === 0) {
      groups.push([]);
      room = 32 * 1024 * 1024;
    }
    groups.at(-1)?.push(blob);
    room -= blob.size;
  }
  return groups;
}
