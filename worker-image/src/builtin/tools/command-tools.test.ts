import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scriptedDoor } from '../../testing/scripted-door.ts';
import { workingCopy } from '../../testing/working-copy.ts';
import { commandTools } from './command-tools.ts';
import { lookTools } from './look-tools.ts';
import type { ToolAnswer } from './tool.ts';

async function open(
  files: Readonly<Record<string, string | Buffer>> = {},
  seconds = 20,
): Promise<{ readonly folder: string; readonly use: (name: string, input: unknown) => Promise<ToolAnswer> }> {
  const copy = workingCopy(files);
  const { place } = copy.around((await scriptedDoor([])).client);
  const commands = commandTools(place, seconds);
  onTestFinished(commands.close);
  const tools = [...commands.tools, ...lookTools(place, seconds)];
  return {
    folder: copy.folder,
    use: async (name, input) => {
      const tool = tools.find((candidate) => candidate.name === name);
      if (tool === undefined) throw new Error(`there is no tool ${name}`);
      return tool.use(input);
    },
  };
}

describe('the command tools', () => {
  it('give of a long output the beginning and the end, without colours', async () => {
    const { use } = await open();
    const { text } = await use('run_command', {
      command: `printf '\\033[31mbegins\\033[0m\\n'; seq 1 20000; echo ends >&2; exit 3`,
    });
    expect(text).toMatch(/^exit code 3, [\d.]+ s\nbegins\n1\n2\n/);
    expect(text).toMatch(/\[\d+ bytes left out\]/);
    expect(text).toMatch(/20000\nends\n$/);
    expect(Buffer.byteLength(text)).toBeLessThan(17_000);
  });

  it('C24 kill at the limit what moved to a session of its own as well', async () => {
    const { use, folder } = await open({}, 1);
    const late = 'setsid sh -c "sleep 2; touch late" & echo begun; wait';
    expect(await use('run_command', { command: late })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/within 1 seconds[^]*begun/),
    });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(existsSync(join(folder, 'late'))).toBe(false);
  });

  it('C24 look after processes beside the agent by their id, and bound how many there are', async () => {
    const { use } = await open();
    const started = await use('run_command', { command: 'echo up; sleep 60 &' });
    expect(started.text).toMatch(/process-1.*[^]*process-1 runs\nup\n$/);
    expect((await use('check_process', { id: 'process-9' })).isError).toBe(true);
    const failed = await use('run_command', { command: 'exit 7 &' });
    expect(failed.text).toMatch(/process-2 has ended: exit code 7/);
    expect((await use('kill_process', { id: 'process-1' })).text).toMatch(/has ended: signal SIGKILL/);
    expect((await use('check_process', { id: 'process-1', wait_seconds: 30 })).text).toMatch(/has ended/);
    const more = await Promise.all(Array.from({ length: 9 }, () => use('run_command', { command: 'sleep 60 &' })));
    expect(more.filter(({ isError }) => isError)).toHaveLength(1);
  });

  it('list and search what git does not ignore, by expression or by text', async () => {
    const { use } = await open({
      '.gitignore': 'dist\n',
      'src/a.ts': 'const a = [1];\nconst b = 2;\n',
      'dist/a.js': 'const\n',
    });
    await use('run_command', { command: 'echo "const c" > "src/né w.ts"' });
    expect((await use('list_files', {})).text.trim().split('\n').toSorted()).toEqual([
      '.gitignore',
      'src/a.ts',
      'src/né w.ts',
    ]);
    expect((await use('list_files', { path: 'src/' })).text).not.toContain('.gitignore');
    expect((await use('search', { pattern: '^const (a|c)' })).text.trim().split('\n').toSorted()).toEqual([
      'src/a.ts:1:const a = [1];',
      'src/né w.ts:1:const c',
    ]);
    expect((await use('search', { pattern: '[1]', literal: true })).text).toContain('src/a.ts:1:');
    expect((await use('search', { pattern: 'CONST B', ignore_case: true, path: 'src' })).text).toContain('src/a.ts:2:');
    expect((await use('search', { pattern: '-e nothing' })).text).toBe('nothing matches');
    expect((await use('search', { pattern: '(' })).isError).toBe(true);
    expect((await use('search', { pattern: 'x', path: '../home' })).isError).toBe(true);
    expect((await use('list_files', { path: ':!x' })).isError).toBe(true);
  });

  it('end a search that would take for ever', async () => {
    const { use } = await open({ 'a.txt': `${'a'.repeat(3000)}b\n`.repeat(300) }, 1);
    const { isError, text } = await use('search', { pattern: '(a*)*\\1(a*)*\\2(a*)*\\3c' });
    expect([isError, text]).toEqual([true, expect.stringContaining('longer than 1 seconds')]);
  });
});
