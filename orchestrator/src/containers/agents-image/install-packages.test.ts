import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentPackages } from './agent-packages.ts';
import { installAgent, type InstallOptions } from './install-packages.ts';

const program = agentPackages.codex.program('x64');
const voice = agentPackages.codex.unneeded('x64')[0] ?? '';
const pinned = { 'node_modules/@openai/codex-linux-x64': { integrity: 'sha512-right' } };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agentcompany-agents-'));
  await mkdir(join(folder, 'recipes', 'codex'), { recursive: true });
  await writeFile(join(folder, 'recipes', 'codex', 'package.json'), '{"dependencies":{"@openai/codex":"1.0.0"}}');
  await writeFile(join(folder, 'recipes', 'codex', 'package-lock.json'), JSON.stringify({ packages: pinned }));
});
afterEach(() => rm(folder, { recursive: true }));

/** A program in npm's place that leaves these packages, and whatever else `more` does in the folder it was started in. */
async function options(installed: object, more = ''): Promise<InstallOptions> {
  const npm = join(folder, 'npm.mjs');
  const code = `
    import fs from 'node:fs';
    fs.appendFileSync(${JSON.stringify(join(folder, 'calls.txt'))}, process.argv.slice(2).join(' ') + '\\n');
    for (const file of ${JSON.stringify([program, `${voice}/bin/voice`])}) {
      fs.mkdirSync(file.replace(/[^/]*$/, ''), { recursive: true });
      fs.writeFileSync(file, 'program', { mode: 0o755 });
    }
    fs.writeFileSync('node_modules/.package-lock.json', ${JSON.stringify(JSON.stringify({ packages: installed }))});
    ${more}`;
  await writeFile(npm, code);
  return {
    recipes: join(folder, 'recipes'),
    cache: join(folder, 'cache'),
    npm: [process.execPath, npm],
    processor: 'x64',
    environment: { PATH: process.env['PATH'] },
    signal: AbortSignal.timeout(30_000),
  };
}

async function calls(): Promise<number> {
  return (await readFile(join(folder, 'calls.txt'), 'utf8')).trim().split('\n').length;
}

describe('an agent that npm installs', () => {
  it('is installed once, for Linux, without running a script of any package', async () => {
    const given = await options(pinned);
    const first = unwrap(await installAgent('codex', given));
    expect(unwrap(await installAgent('codex', given))).toBe(first);
    expect(await calls()).toBe(1);
    expect(await readFile(join(folder, 'calls.txt'), 'utf8')).toMatch(
      /^install --ignore-scripts .*--os=linux --cpu=x64 --libc=glibc/,
    );
  });

  it('S13 has plain files only: nothing that changes who a process is, no links, nothing others may write', async () => {
    const more = `
      fs.chmodSync(${JSON.stringify(program)}, 0o6755);
      fs.writeFileSync('node_modules/open', 'x');
      fs.chmodSync('node_modules/open', 0o666);
      fs.symlinkSync('/etc/passwd', 'node_modules/link');`;
    const made = unwrap(await installAgent('codex', await options(pinned, more)));
    const modeOf = async (name: string): Promise<string> => ((await lstat(join(made, name))).mode & 0o7777).toString(8);
    expect([await modeOf(program), await modeOf('node_modules/open'), await modeOf('.')]).toEqual([
      '755',
      '644',
      '755',
    ]);
    expect(await readdir(join(made, 'node_modules'))).not.toContain('link');
    await expect(lstat(join(made, voice))).rejects.toThrow('ENOENT');
  });

  it.each([
    ['another digest', { 'node_modules/@openai/codex-linux-x64': { integrity: 'sha512-wrong' } }],
    ['no digest', { 'node_modules/@openai/codex-linux-x64': {} }],
    ['one more package', { ...pinned, 'node_modules/other': { integrity: 'sha512-right' } }],
  ])('is refused with %s than the lockfile says, and nothing of it is kept', async (_what, installed) => {
    const refused = await installAgent('codex', await options(installed));
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_IMAGE_AGENT_UNPINNED' } });
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
  });

  it('tells what npm said, and of a program that is not where it should be', async () => {
    const failed = await installAgent(
      'codex',
      await options(pinned, `console.error('E404 no such thing'); process.exit(1);`),
    );
    expect(failed).toMatchObject({ ok: false, error: { code: 'AC_IMAGE_AGENT_INSTALL', cause: 'E404 no such thing' } });
    const absent = await installAgent('codex', await options(pinned, `fs.rmSync(${JSON.stringify(program)});`));
    expect(absent).toMatchObject({ ok: false, error: { code: 'AC_IMAGE_AGENT_INSTALL' } });
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
  });
});
