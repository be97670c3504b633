import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import { blobSizes } from './blobs.ts';
import { changedPath, rawChanges, type RawChange } from './raw-diff.ts';
import type { FileDifference } from './repositories.ts';

/** How much of a difference is given: characters of one file and of all, files, and bytes of a blob that git compares at all. */
const limits = { ofOneFile: 60_000, ofAllFiles: 400_000, files: 300, blob: 1024 * 1024 } as const;
/** More characters than this that no text has, of a hundred: then it is none. */
const strangePercent = 10;

/**
 * The difference of two commits as text, file by file in git's order. What the repository says of its files (`.gitattributes`) is not
 * asked: it could declare any of them binary. Names go to git behind `--`, taken literally.
 */
export async function diffText(
  repository: BareRepository,
  from: string,
  to: string,
): Promise<Result<readonly FileDifference[]>> {
  const changes = await rawChanges(repository, from, to);
  if (!changes.ok) return changes;
  const shown = changes.value.slice(0, limits.files);
  const sizes = await blobSizes(
    repository,
    shown.flatMap(({ oldOid, newOid }) => [oldOid, newOid]),
  );
  if (!sizes.ok) return sizes;
  const differences: FileDifference[] = [];
  let left = limits.ofAllFiles;
  for (const [index, change] of changes.value.entries()) {
    const bytes = Math.max(...[change.oldOid, change.newOid].map((oid) => sizes.value.get(oid) ?? 0));
    const difference: Result<Shown> =
      index < limits.files && bytes <= limits.blob && change.isText
        ? await differenceOf(repository, { from, to, change, room: Math.min(left, limits.ofOneFile) })
        : success({ shown: 'nothing', text: '' });
    if (!difference.ok) return difference;
    const { shown: how, text } = difference.value;
    const isMissing = how === 'text' && text === '' && bytes > 0 && change.oldOid !== change.newOid;
    left -= text.length;
    differences.push({ ...changedPath(change), shown: isMissing ? 'nothing' : how, text });
  }
  return success(differences);
}

type Shown = Pick<FileDifference, 'shown' | 'text'>;

async function differenceOf(
  repository: BareRepository,
  asked: { readonly from: string; readonly to: string; readonly change: RawChange; readonly room: number },
): Promise<Result<Shown>> {
  const options = ['-r', '-p', '-U8', '--text', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color'];
  const answer = await repository.run({
    arguments: ['diff-tree', ...options, '--end-of-options', asked.from, asked.to, '--', asked.change.path],
    gitDir: repository.folder,
    outputLimit: 4 * limits.ofOneFile,
    variables: { GIT_LITERAL_PATHSPECS: '1' },
  });
  if (!answer.ok)
    return answer.error.code === 'AC_GIT_OUTPUT_TOO_LARGE' ? success({ shown: 'nothing', text: '' }) : answer;
  const text = hunksOf(answer.value.stdout.toString('utf8'));
  if (isStrange(text)) return success({ shown: 'binary', text: '' });
  return success(text.length > asked.room ? { shown: 'nothing', text: '' } : { shown: 'text', text });
}

/** Without the lines that name the file, which is named beside: a hostile name shall not stand among the lines. */
function hunksOf(patch: string): string {
  const start = patch.startsWith('@@') ? 0 : patch.indexOf('\n@@') + 1;
  return start === 0 && !patch.startsWith('@@') ? '' : patch.slice(start);
}

function isStrange(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is counted
  const strange = text.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffd]/gu)?.length ?? 0;
  return strange * 100 > text.length * strangePercent;
}
