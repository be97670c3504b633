import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { callEngine } from './engine-http.mjs';
import { engineSocket } from './engine.mjs';
import { prepareImage } from './image.mjs';
import { checkout } from './paths.mjs';

const socket = engineSocket(process.env) ?? '';
let reference: string;

async function engine(method: string, path: string, body?: unknown): Promise<string> {
  const json =
    body === undefined ? {} : { contentType: 'application/json', body: Readable.from([JSON.stringify(body)]) };
  const answer = await callEngine(socket, { method, path, ...json, quietMs: 60_000 });
  expect(answer.status, answer.body).toBeLessThan(300);
  return answer.body;
}

/** What a shell line prints in a container of the image, as the worker's user, with the built runtime folder mounted. */
async function printed(line: string): Promise<string> {
  const created: { Id: string } = JSON.parse(
    await engine('POST', '/containers/create', {
      Image: reference,
      Entrypoint: ['/bin/sh', '-c', line],
      Tty: true,
      NetworkDisabled: true,
      Env: ['GIT_CONFIG_GLOBAL=/opt/worker/gitconfig'],
      HostConfig: {
        NetworkMode: 'none',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        Binds: [`${join(checkout, 'worker-image', 'dist')}:/opt/worker:ro`],
      },
    }),
  );
  try {
    await engine('POST', `/containers/${created.Id}/start`);
    await engine('POST', `/containers/${created.Id}/wait`);
    return (await engine('GET', `/containers/${created.Id}/logs?stdout=1&stderr=1`)).replaceAll('\r\n', '\n').trim();
  } finally {
    await engine('DELETE', `/containers/${created.Id}?force=1`);
  }
}

describe('the worker image as this machine has it', () => {
  beforeAll(async () => {
    const options = {
      socket,
      env: process.env,
      yes: true,
      mayInstall: process.getuid?.() === 0,
      lockFd: null,
      say: () => {},
    };
    await prepareImage(checkout, options);
    const record: { reference: string } = JSON.parse(
      readFileSync(join(checkout, '.cache', 'worker-image.json'), 'utf8'),
    );
    reference = record.reference;
  });

  it('carries nothing a container inherits but its user', async () => {
    const { Config }: { Config: Record<string, unknown> } = JSON.parse(
      await engine('GET', `/images/${reference}/json`),
    );
    expect(Config['User']).toBe('10001:10001');
    for (const name of ['Volumes', 'Healthcheck', 'OnBuild', 'Labels', 'Entrypoint', 'Cmd'])
      expect(Config[name] ?? null, name).toBeNull();
    const environment = Config['Env'] ?? [];
    expect(environment).toSatisfy((list: string[]) => list.every((entry) => entry.startsWith('PATH=')));
  });

  it('has no file that changes who a process is, no package sources, nothing of the host', async () => {
    expect(
      await printed(
        'find / -xdev -perm /6000 2>/dev/null; ls /etc/apt/sources.list* 2>/dev/null; cat /etc/hostname 2>/dev/null | grep -v "^[0-9a-f]*$"; id -un',
      ),
    ).toBe('worker');
  });

  it('runs git and Node as the worker, and the Node of the runtime folder, which are the same', async () => {
    const lines = (
      await printed(
        'git --version; git config core.hooksPath; node --version; /opt/worker/node --version; stat -c %a /opt/worker/runtime',
      )
    ).split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^git version \d/),
      '/dev/null',
      lines[3],
      expect.stringMatching(/^v\d+\./),
      '755',
    ]);
  });
});
