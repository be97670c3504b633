import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskModel } from './disk-model.ts';
import { parseSystemCalls, straceArguments } from './system-calls.ts';

const script = `
const fs = require('node:fs');
process.chdir('/');
const root = process.argv[1];
const at = (name) => root + '/' + name;
const write = (name, text, ...sync) => { const file = fs.openSync(at(name), 'a'); fs.writeSync(file, text); for (const s of sync) fs[s](file); fs.closeSync(file); };
const syncFolder = (name = '') => { const folder = fs.openSync(root + name, 'r'); fs.fsyncSync(folder); fs.closeSync(folder); };
write('kept', 'one ', 'fdatasyncSync');
write('kept', 'two ', 'fsyncSync');
write('half', 'durable ', 'fsyncSync');
write('half', 'lost');
write('empty', 'lost');
write('old', 'moved', 'fsyncSync');
write('gone', 'gone', 'fsyncSync');
write('cut', '12345678', 'fsyncSync');
fs.mkdirSync(at('folder'));
syncFolder();
write('folder/nameless', 'lost with its name', 'fsyncSync');
fs.renameSync(at('old'), at('new'));
fs.unlinkSync(at('gone'));
fs.truncateSync(at('cut'), 4);
fs.mkdirSync(at('later'));
write('later/file', 'lost with its folder', 'fsyncSync');
syncFolder('/later');
write('left-out', 'not looked at', 'fsyncSync');
fs.promises.writeFile(at('asynchronous'), 'by another thread', { flush: true });
`;

describe.skipIf(spawnSync('strace', ['-V']).status !== 0)('the model of a disk', () => {
  let folder: string;
  let disk: DiskModel;
  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'disk-model-')));
    const [root, trace] = [join(folder, 'disk'), join(folder, 'trace')];
    await mkdir(root);
    const [command, ...rest] = straceArguments(trace);
    execFileSync(command, [...rest, process.execPath, '-e', script, root]);
    disk = new DiskModel(root, /left-out/);
    for (const call of parseSystemCalls((await readFile(trace, 'utf8')).split('\n'))) disk.apply(call);
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function image(luck: boolean): Promise<Readonly<Record<string, string>>> {
    const target = join(folder, `image-${luck}`);
    disk.writeImage(target, () => luck);
    const files = (await readdir(target, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name }) => join(parentPath, name));
    const pairs = paths.map(async (path) => [path.slice(target.length + 1), await readFile(path, 'utf8')] as const);
    return Object.fromEntries(await Promise.all(pairs));
  }

  it('S68 holds what was fsynced under names that were fsynced', async () => {
    expect(await image(false)).toEqual({
      kept: 'one two ',
      half: 'durable ',
      empty: '',
      old: 'moved',
      gone: 'gone',
      cut: '12345678',
    });
  });

  it('S68 holds with luck what was written', async () => {
    expect(await image(true)).toEqual({
      'kept': 'one two ',
      'half': 'durable lost',
      'empty': 'lost',
      'new': 'moved',
      'cut': '1234',
      'folder/nameless': 'lost with its name',
      'later/file': 'lost with its folder',
      'asynchronous': 'by another thread',
    });
  });
});
