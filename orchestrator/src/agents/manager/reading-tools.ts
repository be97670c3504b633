import { failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import type { Tool } from '../../models/complete-with-tools.ts';
import { isPage, showHidden, showHiddenInPage } from '../../text/hidden-text.ts';
import { managerErrors as errors } from './errors.ts';

/** What a planner may look at: the files of one commit. */
export interface ReadableFiles {
  readonly files: readonly string[];
  /** The text of a file; null where it is too large or no text. */
  readonly readFile: (path: string) => Promise<Result<string | null>>;
}

/** Characters a model is given of one file, and of all files of one plan. */
const ofOneFile = 40_000;
const ofAllFiles = 400_000;
const listed = 500;

const readInput = z.object({ path: z.string() });
const listInput = z.object({ folder: z.string() });

/** Tools to read and list the files of the commit that work starts from: paths of that commit, nothing else is ever opened. */
export function readingTools({ files, readFile }: ReadableFiles): readonly Tool[] {
  const known = new Set(files);
  let left = ofAllFiles;
  const read = async (input: unknown): Promise<Result<string>> => {
    const parsed = readInput.safeParse(input);
    if (!parsed.success || !known.has(parsed.data.path)) return failure(errors.AC_PLANNING_FILE_UNKNOWN());
    if (left <= 0) return failure(errors.AC_PLANNING_READ_ENOUGH());
    const text = await readFile(parsed.data.path);
    if (!text.ok) return text;
    if (text.value === null) return failure(errors.AC_PLANNING_FILE_UNREADABLE());
    const visible = isPage(parsed.data.path) ? showHiddenInPage(text.value) : showHidden(text.value);
    const shown = visible.slice(0, Math.min(ofOneFile, left));
    left -= shown.length;
    return success(shown.length < visible.length ? `${shown}\n(the rest is not shown)` : shown);
  };
  const list = async (input: unknown): Promise<Result<string>> => {
    const parsed = listInput.safeParse(input);
    if (!parsed.success) return failure(errors.AC_PLANNING_FILE_UNKNOWN());
    const folder = parsed.data.folder.replace(/^\.?\/+|\/+$/g, '');
    const below = files.filter((path) => folder === '' || folder === '.' || path.startsWith(`${folder}/`));
    return success(
      JSON.stringify({ paths: below.slice(0, listed).map(showHidden), not_shown: Math.max(0, below.length - listed) }),
    );
  };
  return [
    { definition: definition('read_file', 'Gives the text of a file of the project.', 'path'), run: read },
    { definition: definition('list_files', 'Lists the files below a folder of the project.', 'folder'), run: list },
  ];
}

function definition(name: string, description: string, parameter: string): Tool['definition'] {
  const properties = {
    [parameter]: { type: 'string', description: 'relative to the top folder, with / between the parts' },
  };
  return {
    name,
    description,
    parameters: { type: 'object', properties, required: [parameter], additionalProperties: false },
  };
}
