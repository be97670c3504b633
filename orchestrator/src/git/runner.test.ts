import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openBareRepository } from './bare-repository.ts';
import { createGitRunner, outputText, type GitCall } from './runner.ts';

const run = createGitRunner();

async function bare(): Promise<{ readonly folder: string } & Disposable> {
  const folder = mkdtempSync(path.join(tmpdir(), 'agentcompany-runner-'));
  unwrap(await openBareRepository({ folder, run }, { worldReadable: false }));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Both ways a call can take: through simple-git and as a plain process. */
const ways: readonly (readonly [string, Partial<GitCall>])[] = [
  ['simple-git', {}],
  ['a plain process', { outputLimit: 100_000 }],
];

describe('the runner', () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each(ways)('lets nothing of this process’s environment reach git through %s', async (_way, extra) => {
    using repository = await bare();
    vi.stubEnv('GIT_CONFIG_PARAMETERS', "'alias.evil=!touch x'");
    vi.stubEnv('GIT_DIR', '/nowhere');
    vi.stubEnv('GIT_TRACE', '1');
    vi.stubEnv('GIT_CONFIG_COUNT', '0');
    const listed = unwrap(await run({ arguments: ['config', '--list'], gitDir: repository.folder, ...extra }));
    const settings = outputText(listed).split('\n');
    expect(settings).toContain('core.hookspath=/dev/null');
    expect(settings).toContain('protocol.allow=never');
    expect(settings).toContain('http.followredirects=false');
    expect(settings.join()).not.toContain('evil');
    expect(listed.stderr).toBe('');
  });

  it.each(ways)('tells an answer from a failure by the exit code through %s', async (_way, extra) => {
    using repository = await bare();
    const call = {
      arguments: ['rev-parse', '--verify', '--end-of-options', 'absent'],
      gitDir: repository.folder,
      ...extra,
    };
    expect(unwrap(await run({ ...call, answers: [0, 128] })).exitCode).toBe(128);
    const failed = await run(call);
    expect(failed).toMatchObject({ error: { code: 'AC_GIT_FAILED', message: 'git rev-parse ended with code 128' } });
    expect(failed.ok ? '' : failed.error.cause).toContain('single revision');
  });

  it('refuses a remote that the call does not name a protocol for', async () => {
    using repository = await bare();
    const fetch = { arguments: ['ls-remote', '--end-of-options', repository.folder], gitDir: repository.folder };
    expect(await run(fetch)).toMatchObject({
      error: { cause: expect.stringContaining("transport 'file' not allowed") },
    });
    expect(await run({ ...fetch, protocols: ['https'] })).toMatchObject({ ok: false });
    expect(await run({ ...fetch, protocols: ['file'] })).toMatchObject({ ok: true });
  });

  it('has a clock on every call', async () => {
    using repository = await bare();
    const call = { arguments: ['rev-parse', '--git-dir'], gitDir: repository.folder, timeoutMs: 0 };
    expect(await run(call)).toMatchObject({ error: { code: 'AC_GIT_TIMEOUT', retry: 'later' } });
  });

  it('caps output', async () => {
    using repository = await bare();
    const call = { arguments: ['help', '--all'], gitDir: repository.folder, outputLimit: 100 };
    expect(await run(call)).toMatchObject({ error: { code: 'AC_GIT_OUTPUT_TOO_LARGE', retry: 'never' } });
  });

  it.skipIf(!existsSync('/usr/bin/prlimit'))('holds kernel limits', async () => {
    using repository = await bare();
    const limits = { addressSpace: 1024 * 1024, fileSize: 1024, cpuSeconds: 1 };
    expect(await run({ arguments: ['version'], gitDir: repository.folder, limits })).toMatchObject({ ok: false });
  });
});
