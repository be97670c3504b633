import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openEngineHome, token, type TestEngineHome } from '../api/testing/engine-home.ts';
import type { HostRepositories } from '../engine/host-parts.ts';
import { commitAll, git, writeFiles } from '../git/testing/git-fixture.ts';
import { openEngineClient } from './engine-client.ts';
import { remoteRepositories } from './remote-repositories.ts';

// Each starts git some dozens of times.
vi.setConfig({ testTimeout: 30_000 });

interface TestHost {
  readonly folder: string;
  readonly mirror: string;
  readonly repositories: HostRepositories;
  /** Codes of the failures after which it asked again. */
  readonly away: string[];
  readonly refused: string[];
  packs(): number;
}

function openHost(home: TestEngineHome, secret = token): TestHost {
  const folder = mkdtempSync(path.join(tmpdir(), 'agentcompany-host-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const away: string[] = [];
  const refused: string[] = [];
  const mirror = path.join(folder, 'mirrors', 'app.git');
  const repositories = remoteRepositories({
    client: unwrap(openEngineClient({ address: home.api.address, token: secret })),
    mirrorsFolder: path.join(folder, 'mirrors'),
    onAway: ({ code }) => away.push(code),
    onRefused: ({ code }) => refused.push(code),
  });
  const packs = (): number =>
    readdirSync(path.join(mirror, 'objects', 'pack')).filter((name) => name.endsWith('.pack')).length;
  return { folder, mirror, repositories, away, refused, packs };
}

const forever = new AbortController().signal;

/** Moves the run branch of the engine home on, as a merge does. */
async function moveOn(home: TestEngineHome, files: Readonly<Record<string, string>>): Promise<string> {
  const { fixture, runId } = home;
  writeFiles(fixture.source, files);
  const oid = commitAll(fixture.source);
  unwrap(await home.repositories.synchronize());
  git(fixture.mirrorFolder, ['update-ref', `refs/agentcompany/runs/${runId}`, oid]);
  return oid;
}

describe('the way of a worker host to an engine home elsewhere', () => {
  it('brings the tip of a run with all below it, and later only what is new', async () => {
    const home = await openEngineHome();
    const large = Array.from(
      { length: 4000 },
      (_, index) => `${createHash('sha256').update(String(index)).digest('hex')}\n`,
    ).join('');
    const first = await moveOn(home, { 'large.txt': large });
    const host = openHost(home);
    const work = { projectId: 'app', runId: home.runId };
    const base = unwrap(await host.repositories.baseOf(work, forever));
    expect(base).toStrictEqual({ oid: first, mirrorFolder: host.mirror });
    expect(git(host.mirror, ['show', `${first}:large.txt`])).toBe(large.trimEnd());
    expect(git(host.mirror, ['rev-parse', `refs/agentcompany/runs/${home.runId}`])).toBe(first);
    const second = await moveOn(home, { 'large.txt': `${large}one line more\n` });
    expect(unwrap(await host.repositories.baseOf(work, forever)).oid).toBe(second);
    const bytesFor = async (have: readonly string[]): Promise<number> => {
      const { pack } = unwrap(await home.repositories.packFor({ runId: home.runId, have }));
      await pack?.handle.close();
      return pack?.bytes ?? 0;
    };
    expect(await bytesFor([])).toBeGreaterThan(100_000);
    expect(await bytesFor([first])).toBeLessThan(2000);
    expect(await bytesFor([second])).toBe(0);
    git(host.mirror, ['fsck', '--strict', '--connectivity-only']);
    expect(git(host.mirror, ['diff', '--stat', first, second])).toContain('1 insertion');
    expect(host.packs()).toBe(2);
    expect(unwrap(await host.repositories.mirrorWith(work, first, forever))).toBe(host.mirror);
    expect(host.packs()).toBe(2);
    expect(readdirSync(host.mirror).filter((name) => name.startsWith('transfer-'))).toStrictEqual([]);
    expect(readdirSync(home.fixture.vaultFolder).filter((name) => name.startsWith('transfer-'))).toStrictEqual([]);
    // Workers read it under another user.
    expect(statSync(path.join(host.mirror, 'objects', 'pack')).mode & 0o555).toBe(0o555);
  });

  it('asks at once for several tasks and fetches once', async () => {
    const home = await openEngineHome();
    const host = openHost(home);
    const work = { projectId: 'app', runId: home.runId };
    const bases = await Promise.all(Array.from({ length: 5 }, () => host.repositories.baseOf(work, forever)));
    expect(new Set(bases.map((base) => unwrap(base).oid)).size).toBe(1);
    expect(host.packs()).toBe(1);
  });

  it('says which commit the engine home did not send', async () => {
    const home = await openEngineHome();
    const host = openHost(home);
    const absent = await host.repositories.mirrorWith({ projectId: 'app', runId: home.runId }, '1'.repeat(40), forever);
    expect(absent).toMatchObject({ ok: false, error: { code: 'AC_HOST_COMMIT_ABSENT' } });
  });

  it('makes no folder of a name that is no project', async () => {
    const home = await openEngineHome();
    const host = openHost(home);
    const refused = await host.repositories.baseOf({ projectId: '../../escape', runId: home.runId }, forever);
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_HOST_REFUSED' } });
    expect(existsSync(path.join(host.folder, 'mirrors'))).toBe(false);
  });

  it('hands a result over and keeps no copy', async () => {
    const home = await openEngineHome();
    const host = openHost(home);
    const bundle = await storedBundle(host);
    unwrap(await host.repositories.deliver(bundle, forever));
    expect(readFileSync(path.join(home.bundles, `${bundle.attemptId}.bundle`), 'utf8')).toBe('a result');
    expect(existsSync(bundle.file)).toBe(false);
  });

  it('brings a log home, once, and keeps it where it cannot', async () => {
    const home = await openEngineHome();
    const host = openHost(home);
    const log = { runId: newId(), attemptId: newId(), file: path.join(host.folder, 'attempt.log') };
    unwrap(await host.repositories.deliverLog(log, forever));
    writeFileSync(log.file, 'what it said');
    unwrap(await host.repositories.deliverLog(log, forever));
    const stored = path.join(home.fixture.folder, 'logs', log.runId, `${log.attemptId}.log`);
    expect(readFileSync(stored, 'utf8')).toBe('what it said');
    expect(existsSync(log.file)).toBe(false);
    await home.api.close();
    writeFileSync(log.file, 'and this');
    const soon = AbortSignal.timeout(300);
    expect(await host.repositories.deliverLog(log, soon)).toMatchObject({ error: { code: 'AC_HOST_ENGINE_AWAY' } });
    expect(existsSync(log.file)).toBe(true);
  });

  it('waits for an engine home that is away, and hands over when it is back', async () => {
    const home = await openEngineHome();
    const host = openHost(home);
    const bundle = await storedBundle(host);
    await home.api.close();
    const delivering = host.repositories.deliver(bundle, forever);
    const basing = host.repositories.baseOf({ projectId: 'app', runId: home.runId }, forever);
    await expect.poll(() => host.away.length).toBeGreaterThan(2);
    await home.reopen();
    unwrap(await delivering);
    unwrap(await basing);
    expect(new Set(host.away)).toStrictEqual(new Set(['AC_HOST_ENGINE_AWAY']));
    expect(readdirSync(home.bundles)).toStrictEqual([`${bundle.attemptId}.bundle`]);
  });

  it('gives up when it is told to, and keeps what it could not hand over', async () => {
    const home = await openEngineHome();
    const host = openHost(home);
    const bundle = await storedBundle(host);
    await home.api.close();
    const stop = new AbortController();
    const delivering = host.repositories.deliver(bundle, stop.signal);
    await expect.poll(() => host.away.length).toBeGreaterThan(0);
    stop.abort();
    expect(await delivering).toMatchObject({ ok: false, error: { code: 'AC_HOST_ENGINE_AWAY' } });
    expect(existsSync(bundle.file)).toBe(true);
  });

  it('does not ask again when its token is refused', async () => {
    const home = await openEngineHome();
    const host = openHost(home, 'b'.repeat(64));
    const bundle = await storedBundle(host);
    expect(await host.repositories.deliver(bundle, forever)).toMatchObject({
      ok: false,
      error: { code: 'AC_HOST_TOKEN' },
    });
    expect([host.away, host.refused]).toStrictEqual([[], ['AC_HOST_TOKEN']]);
    expect(readdirSync(home.bundles)).toStrictEqual([]);
  });
});

async function storedBundle(host: TestHost) {
  const file = path.join(host.folder, 'result.bundle');
  writeFileSync(file, 'a result');
  return { attemptId: newId(), file, sha256: createHash('sha256').update('a result').digest('hex'), bytes: 8 };
}

describe('the address of an engine home', () => {
  it.each(['engine', 'ftp://engine:1', 'http://user:secret@engine:1', 'http://engine:1/path', 'http://engine:1/?a=b'])(
    'is not %s',
    (address) => {
      expect(openEngineClient({ address, token })).toMatchObject({ ok: false, error: { code: 'AC_HOST_ADDRESS' } });
    },
  );
});

describe('an engine home with a certificate', () => {
  it('is spoken with under TLS, by those who trust the certificate only', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'agentcompany-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', [...made, '-keyout', key, '-out', certificate, ...subject], { stdio: 'ignore' });
    const tls = { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
    const home = await openEngineHome({ tls });
    expect(home.api.address).toMatch(/^https:/u);
    const asked = async (environment: Readonly<Record<string, string>>): Promise<string> => {
      const script = `
        import { openEngineClient } from ${JSON.stringify(path.join(import.meta.dirname, 'engine-client.ts'))};
        const client = openEngineClient({ address: ${JSON.stringify(home.api.address)}, token: ${JSON.stringify(token)} });
        const terms = await client.value.terms(AbortSignal.timeout(5000));
        console.log(terms.ok ? terms.value.lease_ms : terms.error.code);`;
      const words = ['--conditions=development', '--input-type=module', '--eval', script];
      const { stdout } = await promisify(execFile)(process.execPath, words, {
        env: { ...process.env, ...environment },
      });
      return stdout.trim();
    };
    expect(await asked({ NODE_EXTRA_CA_CERTS: certificate })).toBe('1000');
    expect(await asked({})).toBe('AC_HOST_ENGINE_AWAY');
  });
});
