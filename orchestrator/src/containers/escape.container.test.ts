import { execFile } from 'node:child_process';
import { chmod, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { escapeAttempts, parseFindings, unwrap } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putOutBait } from './escape/host-bait.ts';
import { checkFindings, proveRuntime } from './escape/prove-runtime.ts';
import { testLimits, WorkerFixture } from './testing/worker-fixture.ts';

const run = promisify(execFile);
describe('probe', () => {
  let fixture: WorkerFixture;
  beforeAll(async () => {
    fixture = await WorkerFixture.open();
  });
  afterAll(() => fixture.close());
  it('x', async () => {
    await chmod(fixture.mirror, 0o777);
    const { instance, mirror: mirrorFolder, base: baseOid } = fixture;
    const folder = await mkdtemp(join(fixture.folder, 'proof-'));
    const runner = fixture.runner();
    const proof = await proveRuntime({ runner, instance, folder, mirrorFolder, baseOid, limits: testLimits });
    console.log(unwrap(proof).findings.filter(({ outcome }) => outcome !== 'held'));
    expect(checkFindings(unwrap(proof).findings)).toEqual({ ok: true, value: '50 attempts, none got out' });
  });
  it('weak', async () => {
    const folder = await mkdtemp(join(fixture.folder, 'bait-'));
    await chmod(folder, 0o755);
    const host = await putOutBait(folder);
    try {
      const caps = 'SYS_ADMIN,NET_ADMIN,SYS_PTRACE,DAC_READ_SEARCH'.split(',').map((cap) => `--cap-add=${cap}`);
      const { stdout } = await run('docker', [
        'run',
        '--rm',
        '--user',
        '0:0',
        '--network',
        'host',
        '--pid',
        'host',
        '--ipc',
        'host',
        ...caps,
        '--security-opt',
        'seccomp=unconfined',
        '--security-opt',
        'systempaths=unconfined',
        '--env',
        'MODEL_API_KEY=1',
        '--device',
        '/dev/null:/dev/sda',
        '-v',
        '/var/run/docker.sock:/var/run/docker.sock',
        '-v',
        `${folder}:${folder}`,
        '-v',
        `${fixture.mirror}:/mirror.git`,
        '-v',
        `${fixture.runtime}:/opt/worker:ro`,
        '--entrypoint',
        '/opt/worker/runtime',
        fixture.image,
        'try-to-escape',
        JSON.stringify(host.bait),
      ]);
      console.log(stdout, host.heard());
      const held = escapeAttempts
        .map(({ id }) => id)
        .filter((id) => !parseFindings(stdout).some((f) => f.id === id && f.outcome === 'escaped'));
      console.log('NOT ESCAPED', held);
    } finally {
      await host.close();
    }
  });
});
