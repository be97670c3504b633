import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { instanceId } from '../../../../orchestrator/src/company-home.ts';
import { takeEngineLock } from '../../../../orchestrator/src/engine/engine-lock.ts';
import { takeDemoFolder } from './demo-folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'demo-folder-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** One demo's worth of folders; returns the instance its containers would carry. */
async function demo(keep = false): Promise<string> {
  const folder = unwrap(await takeDemoFolder(root));
  const { home, repository } = unwrap(await folder.makeRoom(keep));
  expect(existsSync(repository)).toBe(false);
  mkdirSync(repository);
  writeFileSync(path.join(repository, 'made'), 'by this demo');
  folder.release();
  return unwrap(instanceId(home));
}

describe('the folder of the demo', () => {
  it('removes what an earlier demo left, and keeps its instance so that its containers are still owned', async () => {
    const first = await demo();
    writeFileSync(path.join(root, 'home', 'old'), '');
    writeFileSync(path.join(root, 'cache', 'x.tgz'), 'kept');
    mkdirSync(path.join(root, 'cache', 'fetching-abc'));
    expect(await demo()).toBe(first);
    expect(existsSync(path.join(root, 'home', 'old'))).toBe(false);
    expect(readdirSync(path.join(root, 'cache'))).toEqual(['x.tgz']);
  });

  it('sets the earlier demo aside with keep, and begins another instance', async () => {
    const first = await demo();
    expect(await demo(true)).not.toBe(first);
    const kept = readdirSync(root).filter((name) => name.startsWith('kept-'));
    expect(kept).toHaveLength(1);
    expect(readFileSync(path.join(root, kept[0] ?? '', 'repository', 'made'), 'utf8')).toBe('by this demo');
  });

  it.each(['home', 'repository'])('does not touch a folder %s that no demo made', async (name) => {
    mkdirSync(path.join(root, name));
    writeFileSync(path.join(root, name, 'mine'), 'precious');
    expect(await takeDemoFolder(root)).toMatchObject({ ok: false, error: { code: 'AC_DEMO_FOLDER_FOREIGN' } });
    expect(readFileSync(path.join(root, name, 'mine'), 'utf8')).toBe('precious');
  });

  it('removes a link in its place, never what it leads to', async () => {
    await demo();
    const outside = mkdtempSync(path.join(tmpdir(), 'demo-outside-'));
    writeFileSync(path.join(outside, 'mine'), 'precious');
    rmSync(path.join(root, 'repository'), { recursive: true });
    symlinkSync(outside, path.join(root, 'repository'));
    await demo();
    expect(readFileSync(path.join(outside, 'mine'), 'utf8')).toBe('precious');
    rmSync(outside, { recursive: true });
  });

  it('lets one demo at a time in', async () => {
    const folder = unwrap(await takeDemoFolder(root));
    expect(await takeDemoFolder(root)).toMatchObject({ ok: false, error: { code: 'AC_ENGINE_RUNNING' } });
    folder.release();
    unwrap(await takeDemoFolder(root)).release();
  });

  it('leaves an earlier demo alone while an engine is at work in it', async () => {
    await demo();
    const engine = unwrap(takeEngineLock(path.join(root, 'home', 'runtime', 'state', 'lock.db')));
    const folder = unwrap(await takeDemoFolder(root));
    expect(await folder.makeRoom(false)).toMatchObject({ ok: false, error: { code: 'AC_ENGINE_RUNNING' } });
    expect(existsSync(path.join(root, 'repository', 'made'))).toBe(true);
    engine.release();
    folder.release();
  });

  it('still knows its folder by a marker that a crash cut short', async () => {
    await demo();
    writeFileSync(path.join(root, 'made-by-the-agentcompany-demo.json'), '{"vers');
    await expect(demo()).resolves.toMatch(/^[0-9a-f-]{36}$/);
  });
});
