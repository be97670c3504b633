import { chmod, cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeAttempts, escapeGoals, parseFindings, unwrap, type WorkReport } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineSocket } from '../dod/engine-address.ts';
import { everyRuntime, type OpenRuntime } from '../testing/runtimes.ts';
import { escapeFromWeakContainer } from '../testing/weak-container.ts';
import { testLimits, WorkerFixture } from '../testing/worker-fixture.ts';
import type { WorkerRunner } from '../worker-runner.ts';
import { putOutBait } from './host-bait.ts';
import { checkFindings, proveRuntime, type RuntimeProof } from './prove-runtime.ts';

async function prove(fixture: WorkerFixture, runner: WorkerRunner = fixture.runner()) {
  const { instance, mirror: mirrorFolder, base: baseOid } = fixture;
  const folder = await mkdtemp(join(fixture.folder, 'proof-'));
  // A wall, not the permissions of files, has to stop what follows.
  await chmod(mirrorFolder, 0o777);
  return proveRuntime({ runner, instance, folder, mirrorFolder, baseOid, limits: testLimits });
}

describe.each(everyRuntime)('a worker on $name that tries to get out', ({ open }) => {
  let runtime: OpenRuntime;
  let fixture: WorkerFixture;
  let proving: ReturnType<typeof prove> | null = null;
  // One worker for all tests; where it cannot be had, each of them says why.
  const proven = async (): Promise<RuntimeProof> => unwrap(await (proving ??= prove(fixture)));
  beforeAll(async () => {
    runtime = await open();
    fixture = await WorkerFixture.open(undefined, runtime);
    // Making the image of the inner engine, where there is none.
  }, 600_000);
  afterAll(async () => {
    await fixture.close();
    await runtime.close();
  });

  it.each(escapeAttempts)('$row $id: $text', async ({ id }) => {
    const finding = (await proven()).findings.find((each) => each.id === id);
    expect(finding, JSON.stringify(finding)).toMatchObject({ outcome: 'held' });
  });

  it('is said to be held in, for each goal and in all, and leaves no container', async () => {
    const proof = await proven();
    for (const goal of escapeGoals) expect(checkFindings(proof.findings, goal)).toMatchObject({ ok: true });
    expect(checkFindings(proof.findings)).toEqual({
      ok: true,
      value: `${escapeAttempts.length} attempts, none got out`,
    });
    expect(proof.pingMs).toBeGreaterThan(1);
    expect(unwrap(await fixture.engine.list(fixture.instance))).toEqual([]);
  });
});

describe('the program that tries to get out', () => {
  let fixture: WorkerFixture;
  beforeAll(async () => {
    fixture = await WorkerFixture.open();
  });
  afterAll(() => fixture.close());

  /** What no container can do here, however weak: this kernel has none of it, or no name server answers. */
  const impossibleHere = ['network.names', 'network.algorithm', 'calls.modules', 'calls.kexec', 'calls.foreign'];
  /** Told by the host, not by the program. */
  const toldByHost = 'network.heard';

  it('S4 S5 S6 S15 C17 gets out of a container with every wall taken away: no attempt fails by itself', async () => {
    const folder = await mkdtemp(join(fixture.folder, 'bait-'));
    await chmod(folder, 0o755);
    const keys = join(folder, 'keys');
    await mkdir(keys);
    await writeFile(join(keys, 'id_ed25519'), 'a key');
    const runtime = join(fixture.folder, 'writable-runtime');
    await cp(fixture.runtime, runtime, { recursive: true });
    const host = await putOutBait(folder);
    try {
      const output = await escapeFromWeakContainer({
        image: fixture.image,
        runtime,
        mounts: { '/mirror.git': fixture.mirror, [folder]: folder, '/root/.ssh': keys },
        socket: unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)),
        bait: host.bait,
      });
      const got = parseFindings(output).filter(({ outcome }) => outcome === 'escaped');
      const not = escapeAttempts.map(({ id }) => id).filter((id) => !got.some((finding) => finding.id === id));
      expect(
        not.filter((id) => id !== toldByHost && !impossibleHere.includes(id)),
        output,
      ).toEqual([]);
      expect(new Set(host.heard())).toEqual(
        new Set(['a TCP connection', 'a datagram', 'a connection to an abstract Unix socket']),
      );
    } finally {
      await host.close();
    }
  });

  /** A runner whose worker reports `output` as what its command printed. */
  function pretending(output: (bait: { readonly nonce: string }) => string): WorkerRunner {
    return {
      ...fixture.runner(),
      run: async ({ order }) => {
        const command = order.kind === 'task' && order.run !== null && 'command' in order.run ? order.run.command : '';
        const nonce = /"nonce":"([^"]+)"/.exec(command)?.[1] ?? '';
        const agent = { command, exit_code: 0, duration_ms: 1, output: output({ nonce }) };
        const report: WorkReport = { outcome: 'done', commit: null, tree: null, agent, verify: [], error: null };
        return { ok: true, value: { report, bundle: null } };
      },
    };
  }

  const lines = (outcomeOf: (id: string) => string): string =>
    escapeAttempts
      .filter(({ id }) => id !== toldByHost)
      .map(({ id }) => `${outcomeOf(id)} ${id} x\n`)
      .join('');

  it.each([
    ['does not repeat what it was asked', () => `itself reached\n${lines(() => 'held')}`, 'AC_WORKER_UNPROVEN'],
    ['prints nothing', () => '', 'AC_WORKER_UNPROVEN'],
    [
      'cannot reach even itself',
      ({ nonce }: { nonce: string }) => `nonce ${nonce}\nitself unreachable\n${lines(() => 'held')}`,
      'AC_WORKER_UNPROVEN',
    ],
    [
      'keeps quiet about one attempt',
      ({ nonce }: { nonce: string }) =>
        `nonce ${nonce}\nitself reached\n${lines(() => 'held').replace('held calls.bpf x\n', '')}`,
      'AC_WORKER_UNPROVEN',
    ],
    [
      'tells two things of one attempt',
      ({ nonce }: { nonce: string }) => `nonce ${nonce}\nitself reached\n${lines(() => 'held')}escaped calls.bpf x\n`,
      'AC_WORKER_UNPROVEN',
    ],
  ])('S1 a worker that %s proves nothing', async (_name, output, code) => {
    expect(await prove(fixture, pretending(output))).toMatchObject({ ok: false, error: { code } });
  });

  it('names every attempt that worked, and says loudly what could not be tried', async () => {
    const answer = pretending(({ nonce }) => {
      const told = lines((id) => (id === 'calls.bpf' ? 'escaped' : id.startsWith('calls.') ? 'untried' : 'held'));
      return `nonce ${nonce}\nitself reached\n${told}`;
    });
    const { findings } = unwrap(await prove(fixture, answer));
    const refused = checkFindings(findings);
    expect(refused).toMatchObject({ error: { code: 'AC_WORKER_ESCAPED', retry: 'never' } });
    expect(JSON.stringify(refused)).toContain('calls.bpf (x)');
    expect(checkFindings(findings.filter(({ id }) => id !== 'calls.bpf'))).toMatchObject({
      value: expect.stringContaining('NOT TRIED'),
    });
  });
});
