import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import { readBlobs } from './blobs.ts';
import { outputText } from './runner.ts';

/** The text of one file of a commit; null where there is none, it has more than `maxBytes`, or is not UTF-8. */
export async function readText(
  repository: BareRepository,
  file: { readonly commit: string; readonly path: string; readonly maxBytes: number },
): Promise<Result<string | null>> {
  const named = await repository.run({
    arguments: ['rev-parse', '--verify', '--quiet', '--end-of-options', `${file.commit}:${file.path}`],
    gitDir: repository.folder,
    answers: [0, 1, 128],
    silent: true,
  });
  if (!named.ok) return named;
  const oid = outputText(named.value);
  if (named.value.exitCode !== 0 || !/^[0-9a-f]{40}$/.test(oid)) return success(null);
  const blobs = await readBlobs(repository, [oid], file.maxBytes);
  if (!blobs.ok) return blobs;
  const bytes = blobs.value.get(oid);
  return success(bytes === undefined ? null : decode(bytes));
}

function decode(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
