import { z } from 'zod';
import { editByLines, editByText, type Edited } from './edit-text.ts';
import { numbered, splitLines } from './lines.ts';
import { readTextFile, writeTextFile } from './text-file.ts';
import { defineTool, refused, said, type AgentTool } from './tool.ts';

const path = z.string().min(1).max(4096).describe('Path relative to the repository');

function readFile(root: string): AgentTool {
  return defineTool({
    name: 'read_file',
    description:
      'Reads a text file of the repository and gives its lines with their numbers. Without start_line and end_line it begins at the first line; long files are cut, and the answer says how to go on.',
    input: z.strictObject({
      path,
      start_line: z.int().min(1).optional().describe('First line, from 1'),
      end_line: z.int().min(1).optional().describe('Last line'),
    }),
    run: async (input) => {
      const text = await readTextFile(root, input.path);
      if (!text.ok) return refused(text.error);
      const lines = splitLines(text.value);
      const first = input.start_line ?? 1;
      if (lines.length === 0) return said(`${input.path} is empty`);
      if (first > lines.length) return refused(`${input.path} has only ${lines.length} lines`);
      return said(numbered(lines, first, Math.min(input.end_line ?? lines.length, lines.length)));
    },
  });
}

function writeFile(root: string): AgentTool {
  return defineTool({
    name: 'write_file',
    description: 'Writes a file of the repository whole, and makes its folders. What it held before is replaced.',
    input: z.strictObject({ path, content: z.string().describe('All that the file shall hold') }),
    run: async (input) => {
      const written = await writeTextFile(root, input.path, input.content);
      return written.ok ? said(`wrote ${written.value} bytes to ${input.path}`) : refused(written.error);
    },
  });
}

const edit = z.strictObject({
  path,
  old_text: z.string().min(1).optional().describe('Text that occurs exactly once in the file, to be replaced'),
  start_line: z.int().optional().describe('Instead of old_text: first line to be replaced, from 1'),
  end_line: z.int().optional().describe('Last line to be replaced'),
  new_text: z.string().describe('What stands there afterwards'),
});

function edited(text: string, input: z.infer<typeof edit>): Edited {
  const { old_text: oldText, start_line: start, end_line: end, new_text: newText } = input;
  if (oldText !== undefined && start === undefined && end === undefined) return editByText(text, oldText, newText);
  if (oldText === undefined && start !== undefined) return editByLines(text, start, end ?? start, newText);
  return { ok: false, error: 'give either old_text, or start_line and end_line' };
}

function editFile(root: string): AgentTool {
  return defineTool({
    name: 'edit_file',
    description:
      'Changes one place of a text file: replaces old_text, which must occur exactly once, or the lines start_line to end_line, by new_text.',
    input: edit,
    run: async (input) => {
      const text = await readTextFile(root, input.path);
      if (!text.ok) return refused(text.error);
      const change = edited(text.value, input);
      if (!change.ok) return refused(`${input.path} is unchanged: ${change.error}`);
      const written = await writeTextFile(root, input.path, change.value.text);
      if (!written.ok) return refused(written.error);
      const { firstLine, lastLine } = change.value;
      const lines = splitLines(change.value.text);
      return said(
        lines.length === 0
          ? `${input.path} is now empty`
          : `${input.path} now reads\n${numbered(lines, Math.max(1, firstLine - 2), Math.min(lines.length, lastLine + 2))}`,
      );
    },
  });
}

/** Reading and changing files of the repository at `root` (C25). */
export function fileTools(root: string): readonly AgentTool[] {
  return [readFile(root), writeFile(root), editFile(root)];
}
