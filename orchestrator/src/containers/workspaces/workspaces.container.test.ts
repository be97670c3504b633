import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { success, unwrap } from '@agentcompany/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openMirrorFacts } from '../../git/mirror-facts.ts';
import type { WorkerRunnerOptions } from '../sealed-worker-runner.ts';
import { everyRuntime, type OpenRuntime } from '../testing/runtimes.ts';
import { testLimits, WorkerFixture } from '../testing/worker-fixture.ts';
import type { WorkerRunner } from '../worker-runner.ts';
import { CheckoutRecords, volumesOf } from './checkout-records.ts';

const run = promisify(execFile);
const mebibyte = 1_048_576;

describe.each(everyRuntime)('on $name, workspaces on a prepared checkout', (underTest) => {
  let runtime: OpenRuntime;
  let fixture: WorkerFixture;
  /** Asked by Docker's own program, for the port has no such call. */
  const docker = (...args: readonly string[]) => run('docker', ['--host', `unix://${runtime.socket}`, ...args]);
  /** Whether the engine knows the volume. */
  const isThere = (volume: string): Promise<boolean> =>
    docker('volume', 'inspect', volume).then(
      () => true,
      () => false,
    );
  /** Volumes of this test's instance, by the label every one of ours has. */
  const volumeCount = async (): Promise<number> => {
    const filter = `label=agentcompany.instance=${fixture.instance}`;
    const { stdout } = await docker('volume', 'ls', '--quiet', '--filter', filter);
    return stdout.split('\n').length - 1;
  };
  let logged: string[];
  let runner: WorkerRunner;

  function open(options: Partial<WorkerRunnerOptions> = {}): WorkerRunner {
    const workspaces = {
      folder: join(fixture.folder, 'checkouts'),
      facts: openMirrorFacts(),
      leastFiles: 1,
      politeMs: 0,
    };
    return fixture.runner({ workspaces, log: (event) => logged.push(event), ...options });
  }

  /** What a task with this command prints. */
  async function output(command: string, base = fixture.base, by = runner): Promise<string> {
    const order = fixture.order({ run: { command: `${command}; true` }, base_oid: base, allow_empty: true });
    const { report } = unwrap(await by.run(fixture.job(order)));
    expect(report.error).toBe(null);
    return report.agent?.output ?? '';
  }

  async function prepare(base = fixture.base): Promise<string> {
    await output('true', base);
    await runner.checkouts?.settled();
    const found = (await runner.checkouts?.owned())?.find(({ commit }) => commit === base);
    expect(found).toBeDefined();
    return volumesOf.checkout(found?.id ?? '');
  }

  /** A commit on top of the base that changes, adds and removes. */
  async function nextCommit(): Promise<string> {
    const git = (...args: readonly string[]) =>
      fixture.git('-C', 'source', '-c', 'user.name=T', '-c', 'user.email=t@example.com', ...args);
    await run('sh', ['-c', 'echo more >> readme.txt; echo new > new.txt; rm other.txt'], {
      cwd: join(fixture.folder, 'source'),
    });
    await git('add', '--all');
    await git('commit', '--quiet', '-m', 'next');
    await git('push', '--quiet', fixture.mirror, 'HEAD:refs/heads/main');
    return git('rev-parse', 'HEAD');
  }

  beforeAll(async () => {
    runtime = await underTest.open();
  });
  afterAll(() => runtime.close());
  beforeEach(async () => {
    const files = {
      'readme.txt': 'hello\n',
      'other.txt': 'other\n',
      ...Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`file-${index}.txt`, `${index}\n`])),
    };
    fixture = await WorkerFixture.open(files, runtime);
    logged = [];
    runner = open();
  });
  afterEach(async () => {
    await runner.close();
    for (const { id } of (await runner.checkouts?.owned()) ?? []) await runner.checkouts?.remove(id);
    const left = await readdir(join(fixture.folder, 'checkouts')).catch(() => []);
    await fixture.close();
    if (left.length > 0) throw new Error(`records were left: ${left.join(', ')}`);
  });

  it('are mounted from the second task on, clean by what the file system says, and keep what one task changed from the next', async () => {
    expect(await output('grep /workspace/repository /proc/mounts || echo memory')).toBe('memory\n');
    await runner.checkouts?.settled();
    const look = 'grep -o "^overlay /workspace/repository overlay rw,nosuid,nodev" /proc/mounts; cat file-7.txt';
    const untouched = 'ls -i .git/index > /tmp/a; git status --short; ls -i .git/index > /tmp/b; cmp /tmp/a /tmp/b';
    const change = 'echo changed > readme.txt; rm file-1.txt; mkdir -p deep/er; echo x > deep/er/x';
    expect(await output(`${look}; ${untouched}; ${change}`)).toBe(
      'overlay /workspace/repository overlay rw,nosuid,nodev\n7\n',
    );
    expect(await output('git status --short; cat readme.txt; ls file-1.txt deep 2>&1')).toBe(
      "hello\nls: cannot access 'deep': No such file or directory\nfile-1.txt\n",
    );
    expect(await runner.checkouts?.owned()).toMatchObject([{ commit: fixture.base, isInUse: false }]);
    expect(logged).toEqual([]);
    expect(unwrap(await fixture.engine.list(fixture.instance))).toEqual([]);
  });

  it('S9 are limited: filling one ends in ENOSPC inside, with the rest of the workspace limited beside it', async () => {
    await prepare();
    const limits = { ...testLimits, workspaceBytes: 64 * mebibyte, memoryBytes: 512 * mebibyte };
    const command = 'cat /dev/zero > fill; cat /dev/zero > ../fill; du -m fill ../fill; rm fill ../fill';
    const { result } = await fixture.finish(fixture.order({ run: { command }, allow_empty: true }), { limits }, {});
    expect(unwrap(result).report.agent?.output).toMatch(/No space left/);
    const order = fixture.order({ run: { command }, allow_empty: true });
    const { report } = unwrap(await runner.run(fixture.job(order, { limits })));
    const filled = report.agent?.output ?? '';
    expect(filled.match(/No space left on device/g)).toHaveLength(2);
    expect([...filled.matchAll(/^(\d+)\s/gm)].map(([, size]) => Number(size))).toEqual([48, 32]);
  });

  it('serve a later commit too: only what differs is checked out', async () => {
    const volume = await prepare();
    const next = await nextCommit();
    const seen = await output(
      'git rev-parse HEAD; git status --short; cat readme.txt new.txt; ls other.txt 2>&1',
      next,
    );
    expect(seen).toBe(`${next}\nhello\nmore\nnew\nls: cannot access 'other.txt': No such file or directory\n`);
    await runner.checkouts?.settled();
    expect(await isThere(volume)).toBe(true);
    expect(await runner.checkouts?.owned()).toHaveLength(1);
  });

  it('cannot be changed by the worker that has them, nor seen beside its own', async () => {
    const volume = await prepare();
    const attack = `id -u; touch -d 2001-01-01 readme.txt; chmod 777 .git; echo evil >> .git/config; rm -rf file-2.txt
      find / -xdev -name upper 2>/dev/null; ls /var/lib/docker /mnt/* 2>&1 | grep -v cannot; echo done`;
    expect(await output(attack)).toBe('10001\ndone\n');
    expect(
      await output('ls -l --time-style=+%Y readme.txt | cut -d" " -f6; cat file-2.txt; grep -c evil .git/config'),
    ).toMatch(/^20[2-9]\d\n2\n0\n/);
    expect(await isThere(volume)).toBe(true);
  });

  it('leave nothing behind that a later process does not find and remove, and that one finds what was whole', async () => {
    const volume = await prepare();
    const records = join(fixture.folder, 'checkouts');
    const before = await volumeCount();
    const stuck = fixture.altered({ volumeRemove: () => fixture.engine.start('f'.repeat(64)) });
    const crashed = open({ engine: stuck });
    await crashed.run(fixture.job(fixture.order()));
    await crashed.close();
    expect(await volumeCount()).toBe(before + 2);
    const dead = new CheckoutRecords(records);
    const half = await dead.begin('checkout');
    const mount = await dead.begin('mount');
    const volumes = [volumesOf.checkout(half), volumesOf.changes(mount)];
    for (const name of volumes)
      unwrap(await fixture.engine.volumeCreate({ name, instance: fixture.instance, content: { kind: 'disk' } }));

    const later = open();
    unwrap(await later.sweep(() => false));
    expect(await Promise.all([...volumes, volume].map(isThere))).toEqual([false, false, true]);
    expect(await readdir(records)).toHaveLength(1);
    expect(await volumeCount()).toBe(before);
    expect(await output('grep -c "^overlay /workspace/repository" /proc/mounts', fixture.base, later)).toBe('1\n');
    await later.close();
  });

  it('are removed, the longest unused first, when there are too many bytes, and never while they are mounted', async () => {
    const workspaces = {
      folder: join(fixture.folder, 'checkouts'),
      facts: {
        ...openMirrorFacts(),
        difference: async () => ({ ok: true as const, value: 1000 }),
        size: async () => ({ ok: true as const, value: { files: 100, bytes: 1000 } }),
      },
      leastFiles: 1,
      mostBytes: 1500,
      politeMs: 0,
    };
    runner = open({ workspaces });
    const first = await prepare();
    const mounted = Promise.withResolvers<void>();
    const controller = new AbortController();
    const held = runner.run(
      fixture.job(fixture.order({ run: { command: 'sleep 60' } }), {
        signal: controller.signal,
        onProgress: (message) => (message === 'working' ? mounted.resolve() : undefined),
      }),
    );
    await mounted.promise;
    const [inUse] = (await runner.checkouts?.owned()) ?? [];
    expect(inUse?.isInUse).toBe(true);
    expect(await runner.checkouts?.remove(inUse?.id ?? '')).toBe(0);
    expect((await fixture.engine.volumeRemove(first)).ok).toBe(false);
    const next = await nextCommit();
    const second = await prepare(next);
    expect(await Promise.all([first, second].map(isThere))).toEqual([true, true]);
    controller.abort();
    await held;
    await runner.checkouts?.settled();
    expect(await Promise.all([first, second].map(isThere))).toEqual([false, true]);
  });

  it('are made in memory where overlays are not to be had, which is said once', async () => {
    const refusing = fixture.altered({
      volumeCreate: async (volume) =>
        volume.content.kind === 'overlay' ? fixture.engine.start('f'.repeat(64)) : fixture.engine.volumeCreate(volume),
    });
    runner = open({ engine: refusing });
    for (let task = 0; task < 3; task += 1) {
      expect(await output('grep -c "^overlay /workspace/repository" /proc/mounts || true')).toBe('0\n');
      await runner.checkouts?.settled();
    }
    expect(logged).toEqual(['workspaces-in-memory', 'checkout-not-prepared']);
    expect(unwrap((await runner.checkouts?.reasonForMemory()) ?? success(''))).toMatch(/no container ffff/);
    expect(unwrap((await open().checkouts?.reasonForMemory()) ?? success(''))).toBe(null);
    expect(await volumeCount()).toBe(0);
    expect(await runner.checkouts?.owned()).toEqual([]);
  });
});
