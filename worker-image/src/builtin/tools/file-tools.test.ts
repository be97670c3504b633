import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { workingCopy } from '../../testing/working-copy.ts';
import { fileTools } from './file-tools.ts';
import type { ToolAnswer } from './tool.ts';

function open(files: Readonly<Record<string, string | Buffer>>): {
  readonly folder: string;
  readonly use: (name: string, input: unknown) => Promise<ToolAnswer>;
} {
  const { folder } = workingCopy(files);
  const tools = fileTools(folder);
  return {
    folder,
    use: async (name, input) => {
      const tool = tools.find((candidate) => candidate.name === name);
      if (tool === undefined) throw new Error(`there is no tool ${name}`);
      return tool.use(input);
    },
  };
}

describe('the file tools', () => {
  it('C25 refuse paths that lead out of the repository or to .git, by words and by links', async () => {
    const { folder, use } = open({ 'in.txt': 'in\n' });
    const outside = join(folder, '..', 'home');
    writeFileSync(join(outside, 'secret'), 'secret');
    symlinkSync(outside, join(folder, 'out'));
    symlinkSync(join(outside, 'secret'), join(folder, 'leak'));
    symlinkSync(join(outside, 'absent'), join(folder, 'dangling'));
    symlinkSync('.git', join(folder, 'within'));
    symlinkSync('loop', join(folder, 'loop'));
    const escaping = `../home/secret|a/../../home/secret|${join(outside, 'secret')}|${join(folder, 'in.txt')}|..\\home\\secret`;
    const linked = 'out/secret|leak|out/new|dangling|within/config|loop|.git/config|.GIT/config|sub/.git/x';
    const places = [escaping, linked, '|.|in\0.txt'].join('|').split('|');
    for (const path of places) {
      for (const [name, input] of [
        ['read_file', { path }],
        ['write_file', { path, content: 'x' }],
        ['edit_file', { path, old_text: 's', new_text: 'x' }],
      ] as const) {
        const { isError, text } = await use(name, input);
        expect({ path, name, isError }).toEqual({ path, name, isError: true });
        expect(text).not.toContain('secret\n');
      }
    }
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
    for (const name of ['new', 'absent']) expect(existsSync(join(outside, name))).toBe(false);
  });

  it('C25 follow links that stay inside, and make folders', async () => {
    const { folder, use } = open({ 'docs/guide.md': 'one\n' });
    symlinkSync('docs/guide.md', join(folder, 'GUIDE'));
    symlinkSync('docs', join(folder, 'pages'));
    expect((await use('read_file', { path: 'GUIDE' })).text).toContain('one');
    expect(await use('write_file', { path: 'pages/deep/new.md', content: 'né' })).toEqual({
      isError: false,
      text: 'wrote 3 bytes to pages/deep/new.md',
    });
    expect(readFileSync(join(folder, 'docs/deep/new.md'), 'utf8')).toBe('né');
    await use('edit_file', { path: 'GUIDE', old_text: 'one', new_text: 'two' });
    expect(readFileSync(join(folder, 'docs/guide.md'), 'utf8')).toBe('two\n');
  });

  it('refuse what is no text: binary files, other encodings, folders, pipes and what is too large', async () => {
    const { folder, use } = open({ 'a.bin': Buffer.from([65, 0, 66]), 'latin.txt': Buffer.from([0xe9, 0x41]) });
    mkdirSync(join(folder, 'folder'));
    execFileSync('sh', ['-c', 'mkfifo pipe'], { cwd: folder });
    writeFileSync(join(folder, 'huge.txt'), Buffer.alloc(9 * 1_048_576, 'x'));
    const told = async (path: string): Promise<string> => (await use('read_file', { path })).text;
    expect(await told('a.bin')).toContain('binary');
    expect(await told('latin.txt')).toContain('UTF-8');
    expect(await told('folder')).toContain('not a regular file');
    expect(await told('pipe')).toContain('not a regular file');
    expect(await told('huge.txt')).toContain('bytes');
    expect((await use('write_file', { path: 'pipe', content: 'x' })).isError).toBe(true);
  });

  it('number lines, give ranges, and say how to go on where they cut', async () => {
    const text = Array.from({ length: 3000 }, (_unused, index) => `line ${index + 1}`).join('\n');
    const { use } = open({ 'long.txt': text, 'wide.txt': 'x'.repeat(5000), 'empty.txt': '' });
    expect((await use('read_file', { path: 'long.txt', start_line: 7, end_line: 8 })).text).toBe(
      '     7\tline 7\n     8\tline 8',
    );
    const whole = (await use('read_file', { path: 'long.txt' })).text;
    expect(whole).toMatch(/\n {2}2000\tline 2000\n\[cut: of 3000 lines in all; go on with start_line 2001\]$/);
    expect((await use('read_file', { path: 'long.txt', start_line: 3001 })).isError).toBe(true);
    expect((await use('read_file', { path: 'wide.txt' })).text).toMatch(/x \[cut: 5000 characters\]$/);
    expect((await use('read_file', { path: 'empty.txt' })).text).toBe('empty.txt is empty');
  });

  it('C25 edit by lines, but not line 0, past the end, or backwards', async () => {
    const { folder, use } = open({ 'a.txt': 'one\ntwo\nthree' });
    const lines = (start: number, end: number, text: string) =>
      use('edit_file', { path: 'a.txt', start_line: start, end_line: end, new_text: text });
    for (const [start, end] of [
      [0, 1],
      [0, 0],
      [-1, 2],
      [4, 4],
      [1, 4],
      [3, 2],
    ] as const)
      expect(await lines(start, end, 'x')).toMatchObject({ isError: true });
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('one\ntwo\nthree');
    expect((await lines(2, 2, '2a\n2b')).text).toContain('     2\t2a\n     3\t2b');
    await lines(4, 4, '3');
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('one\n2a\n2b\n3');
    await lines(1, 2, '');
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('2b\n3');
  });

  it('edit by text that occurs exactly once, and keep the line ends of the file', async () => {
    const { folder, use } = open({ 'a.txt': 'x = 1\r\ny = 1\r\n', 'b.txt': 'aXa' });
    const edit = (old: string, text: string) => use('edit_file', { path: 'a.txt', old_text: old, new_text: text });
    expect(await edit('= 1', '= 2')).toMatchObject({ isError: true, text: expect.stringContaining('more than once') });
    expect(await edit('z', '')).toMatchObject({ isError: true, text: expect.stringContaining('does not occur') });
    expect((await edit('x = 1\ny', 'x = $&\ny')).isError).toBe(false);
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('x = $&\r\ny = 1\r\n');
    expect((await use('edit_file', { path: 'b.txt', new_text: 'x' })).isError).toBe(true);
    expect((await use('edit_file', { path: 'b.txt', old_text: 'X', start_line: 1, new_text: 'x' })).isError).toBe(true);
  });
});
