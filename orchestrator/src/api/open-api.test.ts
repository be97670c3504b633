import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { problemDocument } from '../contract/worker-hosts.ts';
import { openApi } from './open-api.ts';
import { openEngineHome, token, type Answer, type TestEngineHome } from './testing/engine-home.ts';

const authorization = `Bearer ${token}`;
const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');
const octets = { authorization, 'content-type': 'application/octet-stream' };

function put(home: TestEngineHome, content: Buffer, attempt = newId(), digest = sha256(content)): Promise<Answer> {
  const headers = { ...octets, 'content-length': String(content.length) };
  return home.call('PUT', `/v1/artifacts/${digest}?attempt=${attempt}`, headers, content);
}

const codeOf = (answer: Answer): string => problemDocument.parse(JSON.parse(answer.body)).code;

describe('the HTTP interface of the engine home', () => {
  it('S52 asks for the token on every route and every path, and tells nothing without it', async () => {
    const home = await openEngineHome();
    const routes = [
      ['GET', '/v1/company'],
      ['PUT', `/v1/artifacts/${'0'.repeat(64)}?attempt=${newId()}`],
      ['HEAD', `/v1/artifacts/${'0'.repeat(64)}?attempt=${newId()}`],
      ['POST', '/v1/projects/app/pack'],
      ['POST', `/v1/attempts/${newId()}/model?run=${newId()}`],
      ['PUT', `/v1/logs/${'0'.repeat(64)}?run=${newId()}&attempt=${newId()}`],
      ['GET', '/nowhere'],
      ['OPTIONS', '/v1/company'],
      ['GET', '/v1/artifacts/%2e%2e%2f%2e%2e'],
    ] as const;
    const wrong = [
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${token.slice(1)}`,
      `Bearer ${token}a`,
      `Basic ${token}`,
      `bearer${token}`,
    ];
    for (const [method, target] of routes) {
      for (const header of [undefined, ...wrong]) {
        const answer = await home.call(method, target, header === undefined ? {} : { authorization: header });
        expect([method, target, header, answer.status]).toStrictEqual([method, target, header, 401]);
        expect(answer.headers['www-authenticate']).toBe('Bearer');
        if (method !== 'HEAD') expect(codeOf(answer)).toBe('AC_API_UNAUTHORIZED');
      }
    }
    expect((await home.call('GET', '/v1/company', { authorization })).status).toBe(200);
  });

  it('answers with problem+json to what there is not', async () => {
    const home = await openEngineHome();
    const answer = await home.call('GET', '/v1/nothing', { authorization });
    expect([answer.status, answer.headers['content-type'], codeOf(answer)]).toStrictEqual([
      404,
      'application/problem+json; charset=utf-8',
      'AC_API_UNKNOWN',
    ]);
  });

  it('says what cannot be: a port that is taken, a certificate that is none', async () => {
    const home = await openEngineHome();
    const taken = { host: '127.0.0.1', port: Number(new URL(home.api.address).port), token, log: () => undefined };
    const rest = {
      tls: null,
      terms: {} as never,
      fileOf: String,
      logOf: String,
      modelOf: undefined as never,
      maximumBytes: 1,
      repositories: undefined as never,
    };
    expect(await openApi({ ...rest, ...taken })).toMatchObject({ ok: false, error: { code: 'AC_API_LISTEN' } });
    const broken = { ...rest, ...taken, tls: { certificate: 'none', key: 'none' } };
    expect(await openApi(broken)).toMatchObject({ ok: false, error: { code: 'AC_API_CERTIFICATE' } });
  });
});

describe('an artifact', () => {
  it('is stored under its attempt when its bytes are those of its digest, and may be sent again', async () => {
    const home = await openEngineHome();
    const content = Buffer.from('a bundle');
    const attempt = newId();
    const where = `/v1/artifacts/${sha256(content)}?attempt=${attempt}`;
    expect((await home.call('HEAD', where, { authorization })).status).toBe(404);
    const stored = await put(home, content, attempt);
    expect([stored.status, JSON.parse(stored.body)]).toStrictEqual([200, { sha256: sha256(content), bytes: 8 }]);
    expect(readFileSync(path.join(home.bundles, `${attempt}.bundle`))).toStrictEqual(content);
    expect((await put(home, content, attempt)).status).toBe(200);
    expect((await home.call('HEAD', where, { authorization })).status).toBe(200);
    expect(readdirSync(home.bundles)).toStrictEqual([`${attempt}.bundle`]);
  });

  it('is refused with another digest, another length or too many bytes, and leaves nothing', async () => {
    const home = await openEngineHome();
    const content = Buffer.from('a bundle');
    const other = await put(home, content, newId(), sha256('another'));
    expect([other.status, codeOf(other)]).toStrictEqual([422, 'AC_API_DIGEST']);
    const large = await put(home, Buffer.alloc(10_001));
    expect([large.status, codeOf(large)]).toStrictEqual([413, 'AC_API_TOO_LARGE']);
    const where = `/v1/artifacts/${sha256(content)}?attempt=${newId()}`;
    const chunked = await home.call('PUT', where, { ...octets, 'transfer-encoding': 'chunked' }, content);
    expect([chunked.status, codeOf(chunked)]).toStrictEqual([400, 'AC_API_INVALID']);
    const text = await home.call('PUT', where, { authorization, 'content-type': 'text/x-bundle' }, content);
    expect([text.status, codeOf(text)]).toStrictEqual([400, 'AC_API_INVALID']);
    const none = await home.call('PUT', where, { authorization });
    expect([none.status, codeOf(none)]).toStrictEqual([400, 'AC_API_INVALID']);
    expect(readdirSync(home.bundles)).toStrictEqual([]);
  });

  it('never replaces what its attempt has handed over', async () => {
    const home = await openEngineHome();
    const attempt = newId();
    expect((await put(home, Buffer.from('first'), attempt)).status).toBe(200);
    const second = await put(home, Buffer.from('second'), attempt);
    expect([second.status, codeOf(second)]).toStrictEqual([409, 'AC_API_CONFLICT']);
    expect(readFileSync(path.join(home.bundles, `${attempt}.bundle`), 'utf8')).toBe('first');
  });

  it('names no other file, however its path is written', async () => {
    const home = await openEngineHome();
    const digest = sha256('x');
    const tricks = [
      `/v1/artifacts/${digest}?attempt=../../escape`,
      `/v1/artifacts/${digest}?attempt=${newId()}%2f..%2f..%2fescape`,
      `/v1/artifacts/${digest}?attempt=${newId()}%00`,
      `/v1/artifacts/${digest}?attempt=${newId()}&attempt=..`,
      `/v1/artifacts/${digest}`,
      `/v1/artifacts/${digest.toUpperCase()}?attempt=${newId()}`,
      `/v1/artifacts/..%2f..%2f${digest}?attempt=${newId()}`,
      `/v1/artifacts/../artifacts/${digest}?attempt=x`,
      `//v1/artifacts/${digest}?attempt=x`,
    ];
    for (const target of tricks) {
      const answer = await home.call('PUT', target, { ...octets, 'content-length': '1' }, 'x');
      expect([target, answer.status >= 400 && answer.status < 500]).toStrictEqual([target, true]);
      expect(answer.headers['content-type']).toContain('application/problem+json');
    }
    expect(readdirSync(home.bundles)).toStrictEqual([]);
    const names = readdirSync(home.fixture.folder, { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => name.includes('escape') || name.endsWith('.bundle'))).toStrictEqual([]);
  });

  it('that is cut off on its way leaves nothing behind', async () => {
    const home = await openEngineHome();
    const { hostname, port } = new URL(home.api.address);
    const socket = connect(Number(port), hostname);
    const head = `PUT /v1/artifacts/${sha256('x'.repeat(1000))}?attempt=${newId()} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n`;
    socket.write(`${head}content-type: application/octet-stream\r\ncontent-length: 1000\r\n\r\n${'x'.repeat(500)}`);
    await expect.poll(() => readdirSync(home.bundles).length).toBe(1);
    socket.destroy();
    await expect.poll(() => readdirSync(home.bundles)).toStrictEqual([]);
  });

  it('comes whole from many who send the same at once', async () => {
    const home = await openEngineHome();
    const content = Buffer.alloc(9000, 'bundle');
    const attempt = newId();
    const answers = await Promise.all(Array.from({ length: 20 }, () => put(home, content, attempt)));
    expect(new Set(answers.map(({ status }) => status))).toStrictEqual(new Set([200]));
    expect(readdirSync(home.bundles)).toStrictEqual([`${attempt}.bundle`]);
    expect(readFileSync(path.join(home.bundles, `${attempt}.bundle`))).toStrictEqual(content);
  });

  it('that finds no room is asked for again later', async () => {
    const home = await openEngineHome({ fileOf: (attempt) => `/proc/nowhere/${attempt}` });
    const answer = await put(home, Buffer.from('a bundle'));
    expect([answer.status, codeOf(answer)]).toStrictEqual([507, 'AC_API_STORAGE']);
  });
});

describe('a log', () => {
  it('is stored for its attempt, and refused as artifacts are', async () => {
    const home = await openEngineHome();
    const [run, attempt] = [newId(), newId()];
    const send = (text: string, query: string, digest = sha256(text)): Promise<Answer> =>
      home.call('PUT', `/v1/logs/${digest}?${query}`, { ...octets, 'content-length': String(text.length) }, text);
    expect((await send('what it said', `run=${run}&attempt=${attempt}`)).status).toBe(200);
    expect(readFileSync(path.join(home.fixture.folder, 'logs', run, `${attempt}.log`), 'utf8')).toBe('what it said');
    expect(codeOf(await send('other', `run=${run}&attempt=${attempt}`, sha256('another')))).toBe('AC_API_DIGEST');
    expect(codeOf(await send('x', `run=../..&attempt=${attempt}`))).toBe('AC_API_INVALID');
    const large = await send('x'.repeat(9 * 1024 ** 2 + 1), `run=${run}&attempt=${attempt}`);
    expect([large.status, codeOf(large)]).toStrictEqual([413, 'AC_API_TOO_LARGE']);
  });
});

describe('a pack', () => {
  it('is refused for what is not there and for what is no request', async () => {
    const home = await openEngineHome();
    const ask = (project: string, body: unknown): Promise<Answer> =>
      home.call(
        'POST',
        `/v1/projects/${project}/pack`,
        { authorization, 'content-type': 'application/json' },
        JSON.stringify(body),
      );
    expect(codeOf(await ask('other', { run: home.runId, have: [] }))).toBe('AC_PROJECT_UNKNOWN');
    expect(codeOf(await ask('app', { run: newId(), have: [] }))).toBe('AC_BRANCH_UNKNOWN');
    const invalid = [
      { run: '../main', have: [] },
      { run: home.runId, have: ['--upload-pack=x'] },
      { run: home.runId, have: ['main'] },
      { run: home.runId, have: Array.from({ length: 300 }, () => '0'.repeat(40)) },
      { run: home.runId },
      { run: home.runId, have: [], more: true },
      'no json object',
    ];
    for (const body of invalid) expect([body, codeOf(await ask('app', body))]).toStrictEqual([body, 'AC_API_INVALID']);
    const unknown = await ask('app', { run: home.runId, have: ['0'.repeat(40)] });
    expect(unknown.status).toBe(200);
    expect(unknown.headers['agentcompany-tip']).toBe(unwrap(await home.repositories.runTip(home.runId)));
  });
});
