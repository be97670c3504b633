import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hostToken } from '@agentcompany/orchestrator/host-token';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { homeWithProject, runCli } from '../testing/run-cli.ts';

const token = '0123456789abcdef'.repeat(4);

function temporary(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'cli-host-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A call whose token comes from the environment, unless `environment` says otherwise. */
function join(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = { AGENTCOMPANY_HOST_TOKEN: token },
) {
  return runCli(['worker-host', ...words], { environment });
}

describe('worker-host', () => {
  it('wants an engine home', async () => {
    const called = await join([]);
    expect([called.exitCode, called.stderr]).toStrictEqual([2, expect.stringContaining('--engine')]);
  });

  it('wants a token, from a file or the environment', async () => {
    const folder = temporary();
    const engine = ['--engine', 'ftp://nowhere', '--folder', path.join(folder, 'host')];
    const file = path.join(folder, 'token');
    const none = await join(engine, {});
    expect([none.exitCode, none.stderr]).toStrictEqual([4, expect.stringContaining('AC_HOST_TOKEN_MISSING')]);
    const short = await join(engine, { AGENTCOMPANY_HOST_TOKEN: 'short' });
    expect(short.stderr).toContain('what was given is none');
    expect(short.stderr).not.toContain('short');
    expect((await join([...engine, '--token-file', file])).stderr).toContain('cannot be read');
    writeFileSync(file, `${token}\n`);
    // The token is good: what is wrong now is the address.
    expect((await join([...engine, '--token-file', file], {})).stderr).toContain('AC_HOST_ADDRESS');
  });

  it('waits for an engine home that is away, until it is interrupted', async () => {
    const folder = path.join(temporary(), 'host');
    let interrupt = (): void => undefined;
    const words = ['worker-host', '--engine', 'http://127.0.0.1:1', '--bus', 'redis://127.0.0.1:1', '--folder', folder];
    setTimeout(() => interrupt(), 300);
    const called = await runCli(words, {
      environment: { AGENTCOMPANY_HOST_TOKEN: token },
      interruptible: (given) => (interrupt = given),
    });
    expect(called.exitCode).toBe(0);
    expect(called.stderr).toContain('waits for the engine home: AC_HOST_ENGINE_AWAY');
    expect(called.stderr).not.toContain(token);
  });
});

describe('host-token', () => {
  it('prints the token of the home, alone', async () => {
    const home = homeWithProject();
    onTestFinished(() => rmSync(home.root, { recursive: true }));
    const printed = await runCli(['host-token'], { home });
    expect([printed.exitCode, printed.stdout, printed.stderr]).toStrictEqual([0, `${unwrap(hostToken(home))}\n`, '']);
    const document: unknown = JSON.parse((await runCli(['host-token', '--json'], { home })).stdout);
    expect(document).toStrictEqual({ version: 1, token: unwrap(hostToken(home)) });
  });
});
