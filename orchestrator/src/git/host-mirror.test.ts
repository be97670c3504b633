import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openHostMirror, type HostMirror } from './host-mirror.ts';
import { commitAll, createGitFixture, git, writeFiles, type GitFixture } from './testing/git-fixture.ts';

// Each starts git some dozens of times.
vi.setConfig({ testTimeout: 30_000 });

interface Opened {
  readonly fixture: GitFixture;
  readonly mirror: HostMirror;
  readonly tip: string;
  readonly runId: string;
}

async function open(): Promise<Opened> {
  const fixture = createGitFixture();
  onTestFinished(() => fixture[Symbol.dispose]());
  const mirror = unwrap(await openHostMirror(path.join(fixture.folder, 'host', 'app.git')));
  return { fixture, mirror, tip: git(fixture.source, ['rev-parse', 'main']), runId: newId() };
}

/** A pack as the engine home sends it: of whole histories with `--revs`, of the objects named without. */
function pack(folder: string, names: readonly string[], options: readonly string[] = ['--revs']): Buffer {
  const words = ['-C', folder, 'pack-objects', '--stdout', '--quiet', ...options];
  return execFileSync('git', words, { input: `${names.join('\n')}\n` });
}

function received({ mirror, runId, tip }: Opened, content: Buffer): ReturnType<HostMirror['receive']> {
  const file = mirror.packFile();
  writeFileSync(file, content);
  const receiving = mirror.receive(runId, tip, file);
  return receiving.finally(() => expect(existsSync(file)).toBe(false));
}

describe('the mirror of a worker host', () => {
  it('takes a whole pack, and names its tip as what it has', async () => {
    const opened = await open();
    expect(unwrap(await opened.mirror.haves())).toStrictEqual([]);
    unwrap(await received(opened, pack(opened.fixture.source, [opened.tip])));
    expect(unwrap(await opened.mirror.haves())).toStrictEqual([opened.tip]);
    expect(unwrap(await opened.mirror.holds(opened.tip))).toBe(true);
  });

  it('moves no reference to a commit of which something is missing', async () => {
    const opened = await open();
    const lacking = await received(opened, pack(opened.fixture.source, [opened.tip], []));
    expect(lacking).toMatchObject({ ok: false, error: { code: 'AC_GIT_FAILED' } });
    expect(unwrap(await opened.mirror.haves())).toStrictEqual([]);
    unwrap(await received(opened, pack(opened.fixture.source, [opened.tip])));
    expect(unwrap(await opened.mirror.haves())).toStrictEqual([opened.tip]);
  });

  it('takes no pack that was damaged or cut on its way', async () => {
    const opened = await open();
    const whole = pack(opened.fixture.source, [opened.tip]);
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(60) ^ 0xff, 60);
    for (const content of [damaged, whole.subarray(0, -30), Buffer.from('no pack')])
      expect(await received(opened, content)).toMatchObject({ ok: false, error: { code: 'AC_GIT_FAILED' } });
    expect(unwrap(await opened.mirror.haves())).toStrictEqual([]);
  });

  it('follows a run whose branch was made anew', async () => {
    const opened = await open();
    unwrap(await received(opened, pack(opened.fixture.source, [opened.tip])));
    git(opened.fixture.source, ['checkout', '--quiet', '--orphan', 'other']);
    writeFiles(opened.fixture.source, { 'b.txt': 'other\n' });
    const tip = commitAll(opened.fixture.source);
    unwrap(await received({ ...opened, tip }, pack(opened.fixture.source, [tip])));
    expect(unwrap(await opened.mirror.haves())).toStrictEqual([tip]);
  });

  it('refuses what is no run and no commit', async () => {
    const { mirror, tip } = await open();
    expect(await mirror.receive('../heads/main', tip, null)).toMatchObject({ error: { code: 'AC_BRANCH_REFUSED' } });
    expect(await mirror.receive(newId(), 'main', null)).toMatchObject({ error: { code: 'AC_OBJECT_NAME_INVALID' } });
    expect(await mirror.holds('--all')).toMatchObject({ error: { code: 'AC_OBJECT_NAME_INVALID' } });
  });

  it('loses what a crash left half received when it is opened again', async () => {
    const { mirror } = await open();
    const left = mirror.packFile();
    writeFileSync(left, 'half');
    const twoDaysAgo = Date.now() / 1000 - 172_800;
    utimesSync(left, twoDaysAgo, twoDaysAgo);
    unwrap(await openHostMirror(mirror.folder));
    expect(existsSync(left)).toBe(false);
    expect(readFileSync(path.join(mirror.folder, 'agentcompany-ready'), 'utf8')).toBe('');
  });
});
