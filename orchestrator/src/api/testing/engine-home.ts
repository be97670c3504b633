import { mkdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import path from 'node:path';
import { failure, newId, success, unwrap } from '@agentcompany/protocol';
import { onTestFinished } from 'vitest';
import { errorOf } from '../../company/testing/fixtures.ts';
import { createGitFixture, git, type GitFixture } from '../../git/testing/git-fixture.ts';
import type { ProjectRepositories } from '../../git/repositories.ts';
import { openApi, type Api, type ApiOptions } from '../open-api.ts';

export const token = 'a'.repeat(64);

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The HTTP side of an engine home with one project `app` and one run, over real repositories. */
export interface TestEngineHome {
  readonly api: Api;
  readonly fixture: GitFixture;
  readonly repositories: ProjectRepositories;
  readonly runId: string;
  readonly bundles: string;
  readonly logged: unknown[];
  /** Listens again, where it did before. */
  reopen(): Promise<void>;
  call(
    method: string,
    path: string,
    headers?: Readonly<Record<string, string>>,
    body?: string | Buffer,
  ): Promise<Answer>;
}

export async function openEngineHome(options: Partial<ApiOptions> = {}): Promise<TestEngineHome> {
  const fixture = createGitFixture();
  const bundles = path.join(fixture.folder, 'bundles');
  mkdirSync(bundles);
  const repositories = fixture.open();
  unwrap(await repositories.synchronize());
  const runId = newId();
  unwrap(await repositories.createRunBranch(runId, git(fixture.source, ['rev-parse', 'main'])));
  const logged: unknown[] = [];
  const settings: ApiOptions = {
    host: '127.0.0.1',
    port: 0,
    token,
    tls: null,
    terms: { version: 1, instance_id: newId(), lease_ms: 1000, max_deliveries: 20, accept_volatile: false },
    fileOf: (attemptId) => path.join(bundles, `${attemptId}.bundle`),
    logOf: (runId, attemptId) => path.join(fixture.folder, 'logs', runId, `${attemptId}.log`),
    maximumBytes: 10_000,
    modelOf: async () => failure(errorOf('AC_API_ATTEMPT_OVER', 'never')),
    repositories: async (id) =>
      id === 'app' ? success(repositories) : failure(errorOf('AC_PROJECT_UNKNOWN', 'never')),
    log: (event, details) => logged.push({ event, ...details }),
    ...options,
  };
  let api = unwrap(await openApi(settings));
  const port = Number(new URL(api.address).port);
  onTestFinished(async () => {
    await api.close();
    fixture[Symbol.dispose]();
  });
  return {
    get api() {
      return api;
    },
    fixture,
    repositories,
    runId,
    bundles,
    logged,
    reopen: async () => void (api = unwrap(await openApi({ ...settings, port }))),
    call: (method, target, headers = {}, body) => callHome(api.address, method, target, headers, body),
  };
}

/** One request as anybody may send it; the path goes out as it is given. */
function callHome(
  address: string,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string | Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(address), { method, path: target, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString() }),
      );
      answer.once('error', reject);
    });
    request.once('error', reject);
    request.end(body);
  });
}
