import { isAbsolute, relative } from 'node:path';
import { realpath } from 'node:fs/promises';
import { failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import { gitCommand, type GitPlace } from '../../git.ts';
import { runCommand, type CommandEnd } from '../../run-command.ts';
import { HeadAndTail } from './head-and-tail.ts';
import { defineTool, refused, said, type AgentTool } from './tool.ts';
import { findInside } from './workspace-path.ts';

/** Seconds a search may take: a pattern can be made to take for ever. */
const defaultSeconds = 20;
/** Of a line that matches. */
const shownCharacters = 300;

const path = z
  .string()
  .min(1)
  .max(4096)
  .optional()
  .describe('File or folder to look in; the whole repository without it');

/** What git printed, its beginning and end. */
async function look(
  place: GitPlace,
  seconds: number,
  args: readonly string[],
): Promise<{ end: CommandEnd; text: string }> {
  const output = new HeadAndTail();
  const command = gitCommand({ ...place, onOutput: (chunk) => output.write(chunk) }, [
    '-c',
    'core.quotePath=false',
    ...args,
  ]);
  // Paths are paths here, whatever characters they hold.
  const environment = { ...place.environment, GIT_LITERAL_PATHSPECS: '1', GIT_PAGER: 'cat' };
  const end = await runCommand({ ...command, environment, timeoutSeconds: seconds });
  return { end, text: output.text() };
}

/** A path as git takes it: relative to the repository, links on the way resolved. */
async function gitPath(root: string, wanted: string | undefined): Promise<Result<readonly string[], string>> {
  if (wanted === undefined || /^\.?\/?$/.test(wanted)) return success([]);
  const found = await findInside(root, wanted);
  if (!found.ok) return found;
  const inside = relative(await realpath(root), found.value);
  return isAbsolute(inside) ? failure(`${wanted} is refused`) : success(inside === '' ? [] : [inside]);
}

function listFiles(place: GitPlace, seconds: number): AgentTool {
  return defineTool({
    name: 'list_files',
    description: 'Lists the files of the repository, or of one folder of it. What git ignores is left out.',
    input: z.strictObject({ path }),
    run: async (input) => {
      const within = await gitPath(place.folder, input.path);
      if (!within.ok) return refused(within.error);
      const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--'];
      const { end, text } = await look(place, seconds, [...args, ...within.value]);
      if (end.exitCode !== 0) return refused(text);
      return said(text === '' ? 'there are no files' : text);
    },
  });
}

function shortened(text: string): string {
  const cut = (line: string): string =>
    line.length > shownCharacters ? `${line.slice(0, shownCharacters)} [cut]` : line;
  return text.split('\n').map(cut).join('\n');
}

function search(place: GitPlace, seconds: number): AgentTool {
  return defineTool({
    name: 'search',
    description:
      'Searches the text files of the repository for an extended regular expression (as grep -E), line by line, and gives path, line number and line. What git ignores is left out.',
    input: z.strictObject({
      pattern: z.string().min(1).max(1000),
      path,
      literal: z.boolean().optional().describe('The pattern is plain text'),
      ignore_case: z.boolean().optional(),
    }),
    run: async ({ pattern, path: where, literal, ignore_case: ignoreCase }) => {
      const within = await gitPath(place.folder, where);
      if (!within.ok) return refused(within.error);
      const options = [
        '--untracked',
        '--line-number',
        '-I',
        '--no-color',
        '--full-name',
        literal === true ? '-F' : '-E',
      ];
      if (ignoreCase === true) options.push('--ignore-case');
      const { end, text } = await look(place, seconds, ['grep', ...options, '-e', pattern, '--', ...within.value]);
      if (end.timedOut) return refused(`the search took longer than ${seconds} seconds: use a simpler pattern`);
      if (end.exitCode === 1) return said('nothing matches');
      return end.exitCode === 0 ? said(shortened(text)) : refused(text);
    },
  });
}

/** Finding one's way in the repository, each look for at most `seconds`. */
export function lookTools(place: GitPlace, seconds = defaultSeconds): readonly AgentTool[] {
  return [listFiles(place, seconds), search(place, seconds)];
}
