import { unwrap } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDockerEngine } from './dod/open-engine.ts';
import { hostLimits } from './host-limits.ts';
import { isGVisor } from './oci-runtime.ts';
import { OwnDocker } from './testing/own-docker.ts';
import { testLimits, WorkerFixture } from './testing/worker-fixture.ts';
import { makeRuntime } from './testing/worker-runtime.ts';

const runsc = '/usr/bin/runsc';
/** ptrace runs on any machine; gVisor brings no network up in a name space that the engine gave none. */
const sealed = ['--platform=ptrace', '--network=none'];
const runtimes = {
  'crun': { path: '/usr/bin/crun' },
  'runsc': { path: runsc, runtimeArgs: [...sealed, '--oci-seccomp'] },
  'runsc-unfiltered': { path: runsc, runtimeArgs: sealed },
  'runsc-in-name-only': { path: '/usr/sbin/runc' },
};
const mebibyte = 1_048_576;

describe('workers in OCI runtimes by name', () => {
  let docker: OwnDocker;
  let image: string;
  beforeAll(async () => {
    docker = await OwnDocker.open({ runtimes });
    const machine = await WorkerFixture.open();
    image = await docker.loadImage(machine.image);
    await machine.close();
  });
  afterAll(() => docker.close());

  const engineWith = (ociRuntime: string) => unwrap(openDockerEngine({ dockerHost: docker.dockerHost, ociRuntime }));

  async function within<Value>(runtime: string, work: (fixture: WorkerFixture) => Promise<Value>): Promise<Value> {
    const fixture = await WorkerFixture.open(undefined, { engine: engineWith(runtime), image });
    try {
      return await work(fixture);
    } finally {
      await fixture.close();
    }
  }

  describe.each(['runc', 'crun', 'runsc'])('%s', (runtime) => {
    it('S1 S19 C16 carries out a whole task, in the runtime that was named, within limits that the machine holds', async () => {
      await within(runtime, async (fixture) => {
        const seen: unknown[] = [];
        const start = async (id: string) => {
          const started = await fixture.engine.start(id);
          const host: unknown = unwrap(await fixture.engine.inspect(id)).raw['HostConfig'];
          seen.push(await hostLimits(fixture.engine, id), Reflect.get(Object(host), 'Runtime'));
          return started;
        };
        const command = 'cat /proc/version; grep -E "^(Uid|Cap)" /proc/self/status';
        const order = fixture.order({ run: { command }, allow_empty: true });
        const { result } = await fixture.finish(order, {}, { engine: fixture.altered({ start }) });
        const { report } = unwrap(result);
        expect(report.outcome).toBe('done');
        expect(isGVisor(report.agent?.output ?? '')).toBe(runtime === 'runsc');
        expect(report.agent?.output).toMatch(/Uid:\s+10001\s+10001[^]*CapEff:\s+0{16}\nCapBnd:\s+0{16}/);
        const { memoryBytes, pids, cpus } = testLimits;
        expect(seen).toEqual([{ memoryBytes, pids, cpus }, runtime]);
      });
    });

    it('S4 S5 S19 reaches no network and writes nowhere else', async () => {
      const places = '/x /etc/x /usr/bin/x /mirror.git/x /opt/worker/x /proc/sys/kernel/hostname /var/tmp/x /run/x';
      const attack = `
        for (qw(${places})) { print "$_ ", (open(my $f, ">", $_) ? "WRITTEN" : "refused"), "\\n" }
        use Socket; for my $host (qw(169.254.169.254 8.8.8.8 172.17.0.1)) {
          socket(my $s, PF_INET, SOCK_STREAM, 6); print "tcp $host ", (connect($s, pack_sockaddr_in(80, inet_aton($host))) ? "REACHED" : "failed"), "\\n";
          socket(my $u, PF_INET, SOCK_DGRAM, 17); print "udp $host ", (send($u, "x", 0, pack_sockaddr_in(53, inet_aton($host))) ? "REACHED" : "failed"), "\\n" }
        for my $family (40, 17, 38, 15, 29) { print "family $family ", ((socket(my $s, $family, 1, 0) || socket(my $t, $family, 3, 0)) ? "REACHED" : "failed"), "\\n" }`;
      const output = await within(runtime, (fixture) => fixture.probe(`perl -e '${attack}'`));
      expect(output.match(/ (refused|failed)$/gm)).toHaveLength(places.split(' ').length + 11);
      expect(output).not.toMatch(/WRITTEN|REACHED/);
    });

    it.runIf(process.arch === 'x64')('S6 S19 answers no dangerous system call', async () => {
      const calls =
        'ptrace 101 mount 165 keyctl 250 add_key 248 request_key 249 unshare 272 perf_event_open 298 bpf 321 userfaultfd 323 io_uring_setup 425 setns 308 pivot_root 155 chroot 161 init_module 175 kexec_load 246';
      const attack = `my %c = qw(${calls}); for (sort keys %c) { my $r = syscall($c{$_}, 0x10000000, 0, 0, 0, 0); print "$_ ", ($r == -1 && ($! == 1 || $! == 38) ? "refused" : "ANSWERED $r $!"), "\\n" }`;
      const output = await within(runtime, (fixture) => fixture.probe(`perl -e '${attack}'`));
      expect(output.match(/ refused$/gm)).toHaveLength(calls.split(' ').length / 2);
      expect(output).not.toContain('ANSWERED');
    });

    it('S7 S19 forks no more than it may', async () => {
      await within(runtime, async (fixture) => {
        const bomb = `my $n = 0; while ($n < 5000) { my $p = fork; last if !defined $p; if (!$p) { close STDOUT; close STDERR; sleep 9; exit } $n++ } print "forked $n\\n"`;
        const order = fixture.order({ run: { command: `perl -e '${bomb}'` }, allow_empty: true });
        const { result } = await fixture.finish(order);
        // gVisor's own threads are counted too: where it gets no more of them, its whole sandbox ends.
        if (runtime === 'runsc') return expect(result).toMatchObject({ error: { code: 'AC_WORKER_EXITED' } });
        const forked = Number(/^forked (\d+)$/m.exec(unwrap(result).report.agent?.output ?? '')?.[1]);
        expect(forked).toBeLessThan(testLimits.pids);
      });
    });

    it('S10 S19 is cut off when it floods its output', async () => {
      await within(runtime, async (fixture) => {
        const runtimeFolder = await makeRuntime(fixture.folder, '#!/bin/sh\nexec head -c 1000000000 /dev/zero\n');
        const { result, containers } = await fixture.finish(fixture.order(), {}, { runtimeFolder });
        expect(result).toMatchObject({ error: { code: 'AC_WORKER_GARBAGE' } });
        expect(containers).toHaveLength(1);
        expect(unwrap(await fixture.engine.list(fixture.instance))).toEqual([]);
      });
    });

    it('S8 S9 S19 is held to its memory and to the sizes of what it may write', async () => {
      await within(runtime, async (fixture) => {
        const limits = { ...testLimits, memoryBytes: 256 * mebibyte, workspaceBytes: 128 * mebibyte };
        const full = await fixture.probe('cat /dev/zero > /tmp/fill; cat /dev/zero > fill; du -m /tmp fill; rm fill', {
          limits,
        });
        expect(full.match(/No space left on device/g)).toHaveLength(2);
        const command = `perl -e 'my @x; push @x, "x" x 1048576 for 1 .. 600; print "ALLOCATED"'`;
        const greedy = await fixture.finish(fixture.order({ run: { command } }), { limits });
        // The kernel ends one process, and gVisor's whole sandbox goes with it.
        const error = greedy.result.ok ? greedy.result.value.report.error : greedy.result.error;
        expect(error?.code).toMatch(/^AC_(WORK_MEMORY|WORKER_MEMORY|WORKER_EXITED|WORKER_LOST)$/);
        expect(JSON.stringify(greedy.result)).not.toContain('ALLOCATED"');
      });
    });
  });

  it('S1 S19 gVisor without our filter of system calls is refused, and says which switch is missing', async () => {
    const { result, log } = await within('runsc-unfiltered', (fixture) => fixture.finish(fixture.order()));
    expect(result).toMatchObject({ error: { code: 'AC_WORKER_CONFINEMENT' } });
    expect(JSON.stringify(result)).toContain('--oci-seccomp');
    expect(log).not.toContain('checking out');
  });

  it('S1 S19 a runtime that is called runsc and is not is found out', async () => {
    const { result } = await within('runsc-in-name-only', (fixture) => fixture.finish(fixture.order()));
    expect(result).toMatchObject({ error: { code: 'AC_WORKER_CONFINEMENT' } });
    expect(JSON.stringify(result)).toContain("not gVisor's");
  });

  it('S19 a runtime the engine does not have is refused with those it has, and nothing is created', async () => {
    const finished = await within('kata', (fixture) => fixture.finish(fixture.order()));
    expect(finished.result).toMatchObject({
      error: {
        code: 'AC_OCI_RUNTIME_UNKNOWN',
        message:
          'the container engine has no OCI runtime kata; it has: crun, runc, runsc, runsc-in-name-only, runsc-unfiltered',
      },
    });
    expect(finished.containers).toEqual([]);
  });
});
