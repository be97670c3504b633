import { randomBytes, randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { agentDefinition, unwrap, type Result } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ContainerDetails } from './container-engine.ts';
import { seccompProfile } from './seccomp-profile.ts';
import { testLimits, WorkerFixture } from './testing/worker-fixture.ts';
import type { WorkerContainer } from './worker-container.ts';

type Fields = Record<string, unknown>;

const words = (text: string): string[] => text.trim().split(/\s+/);

describe('the confinement of a real worker', () => {
  let fixture: WorkerFixture;
  beforeAll(async () => {
    fixture = await WorkerFixture.open();
  });
  afterAll(() => fixture.close());

  async function inspectCreated(): Promise<Fields> {
    let raw: Fields = {};
    const onCreated = async (id: string): Promise<Result<undefined>> => {
      raw = { ...unwrap(await fixture.engine.inspect(id)).raw };
      return { ok: true, value: undefined };
    };
    unwrap((await fixture.finish(fixture.order(), { onCreated })).result);
    return raw;
  }

  it('C16 is the create body of the specification, field by field, read back by inspect', async () => {
    const raw = await inspectCreated();
    const image = unwrap(await fixture.engine.imageInspect(fixture.image));
    expect(raw['Image']).toBe(image.id);
    expect(raw['Config']).toMatchObject({
      User: '10001:10001',
      Entrypoint: ['/opt/worker/runtime'],
      WorkingDir: '/workspace',
      Env: [
        'PATH=/usr/local/bin:/usr/bin:/bin',
        'HOME=/workspace/home',
        'LD_PRELOAD=',
        'GIT_CONFIG_GLOBAL=/opt/worker/gitconfig',
        'GIT_TERMINAL_PROMPT=0',
      ],
      Tty: false,
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      NetworkDisabled: true,
      Healthcheck: { Test: ['NONE'] },
      StopTimeout: 5,
      Labels: { 'agentcompany.instance': fixture.instance, 'agentcompany.task': 'a-task', 'agentcompany.epoch': '1' },
    });
    const host = raw['HostConfig'] as Fields;
    expect(host).toMatchObject({
      NetworkMode: 'none',
      Privileged: false,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      PidsLimit: testLimits.pids,
      Memory: testLimits.memoryBytes,
      MemorySwap: testLimits.memoryBytes,
      NanoCpus: 1_000_000_000,
      OomScoreAdj: 500,
      IpcMode: 'none',
      PidMode: '',
      UTSMode: '',
      UsernsMode: '',
      Tmpfs: {
        '/tmp': 'rw,noexec,nosuid,nodev,size=16777216,mode=1777',
        '/workspace': 'rw,exec,nosuid,nodev,size=134217728,mode=0700,uid=10001,gid=10001',
      },
      LogConfig: { Type: 'none' },
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      Init: true,
      Runtime: 'runc',
    });
    for (const name of [
      'CapAdd',
      'Devices',
      'DeviceRequests',
      'VolumesFrom',
      'Binds',
      'GroupAdd',
      'ExtraHosts',
      'Links',
    ]) {
      expect([name, host[name] ?? []]).toEqual([name, []]);
    }
    expect(host['SecurityOpt']).toEqual(
      expect.arrayContaining(['no-new-privileges:true', `seccomp=${seccompProfile}`]),
    );
    expect(host['Ulimits']).toEqual(
      expect.arrayContaining([
        { Name: 'nofile', Soft: 4096, Hard: 4096 },
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'fsize', Soft: 1_073_741_824, Hard: 1_073_741_824 },
      ]),
    );
    const mounts = (raw['Mounts'] as Fields[]).map(({ Source, Destination, RW }) => ({ Source, Destination, RW }));
    expect(mounts.toSorted((a, b) => String(a.Destination).localeCompare(String(b.Destination)))).toEqual([
      { Source: fixture.mirror, Destination: '/mirror.git', RW: false },
      { Source: fixture.runtime, Destination: '/opt/worker', RW: false },
    ]);
    expect(JSON.stringify(raw['Mounts'])).not.toMatch(/docker\.sock|\.ssh/);
  });

  it('C9 a worker at work listens on no port', async () => {
    const output = await fixture.probe(
      'for f in tcp tcp6 udp udp6 raw raw6 packet unix; do echo "== $f"; cat /proc/net/$f; done',
    );
    const sections = output.split(/^== /m).slice(1);
    expect(sections).toHaveLength(8);
    for (const section of sections) {
      const [name, , ...sockets] = section.trimEnd().split('\n');
      const isListening = name === 'unix' ? (line: string) => / 00010000 /.test(line) : () => true;
      expect([name, ...sockets.filter(isListening)]).toEqual([name]);
    }
  });

  it('S1 a worker that the kernel confines as asked gets its task, and sees itself so', async () => {
    const output = await fixture.probe(
      'grep -E "^(CapBnd|CapEff|NoNewPrivs|Seccomp|Uid):" /proc/self/status; ls /sys/class/net',
    );
    expect(output).toMatch(/Uid:\s+10001\s+10001/);
    expect(output).toMatch(/CapEff:\s+0{16}\nCapBnd:\s+0{16}/);
    expect(output).toMatch(/NoNewPrivs:\s+1/);
    expect(output).toMatch(/Seccomp:\s+2/);
    expect(output.trimEnd().split('\n').at(-1)).toBe('lo');
  });

  const lies: readonly (readonly [string, (raw: Fields) => void])[] = [
    ['privileged', (raw) => void ((raw['HostConfig'] as Fields)['Privileged'] = true)],
    ['a writable root', (raw) => void ((raw['HostConfig'] as Fields)['ReadonlyRootfs'] = false)],
    ['another network', (raw) => void ((raw['HostConfig'] as Fields)['NetworkMode'] = 'bridge')],
    ['an added capability', (raw) => void ((raw['HostConfig'] as Fields)['CapAdd'] = ['SYS_ADMIN'])],
    ['a bind', (raw) => void ((raw['HostConfig'] as Fields)['Binds'] = ['/:/host'])],
    ['a writable mirror', (raw) => (raw['Mounts'] as Fields[]).forEach((mount) => (mount['RW'] = true))],
    ['another image', (raw) => void (raw['Image'] = `sha256:${'0'.repeat(64)}`)],
    ['a preloaded library', (raw) => void (raw['Config'] as { Env: string[] }).Env.push('LD_PRELOAD=/x.so')],
    ['unmasked /proc', (raw) => void ((raw['HostConfig'] as Fields)['MaskedPaths'] = [])],
  ];
  it.each(lies)(
    'S1 one field of the container differs (%s): it is never started and gets no task',
    async (_name, alter) => {
      let started = 0;
      const engine = fixture.altered({
        inspect: async (id: string): Promise<Result<ContainerDetails>> => {
          const details = unwrap(await fixture.engine.inspect(id));
          const raw = structuredClone({ ...details.raw });
          alter(raw);
          return { ok: true, value: { ...details, raw } };
        },
        start: (id: string) => {
          started += 1;
          return fixture.engine.start(id);
        },
      });
      const { result, containers } = await fixture.finish(fixture.order(), {}, { engine });
      expect(result).toMatchObject({ error: { code: 'AC_WORKER_CONFINEMENT', retry: 'never' } });
      expect(started).toBe(0);
      expect(containers).toEqual([]);
      expect(unwrap(await fixture.engine.list(fixture.instance))).toEqual([]);
    },
  );

  it('S1 an engine that lies about a limit is caught by what the worker reads itself: killed, no task given', async () => {
    const asked: WorkerContainer[] = [];
    const engine = fixture.altered({
      create: (container: WorkerContainer) => {
        asked.push(container);
        return fixture.engine.create({
          ...container,
          limits: { ...container.limits, pids: container.limits.pids * 2 },
        });
      },
      inspect: async (id: string): Promise<Result<ContainerDetails>> => {
        const details = unwrap(await fixture.engine.inspect(id));
        const raw = structuredClone({ ...details.raw });
        (raw['HostConfig'] as Fields)['PidsLimit'] = testLimits.pids;
        const labels = (raw['Config'] as { Labels: Record<string, string> }).Labels;
        const { createBody, engineFeatures } = await import('./create-body.ts');
        const [container] = asked;
        if (container !== undefined)
          Object.assign(labels, createBody(container, engineFeatures(unwrap(await fixture.engine.info()))).Labels);
        return { ok: true, value: { ...details, raw } };
      },
    });
    const { result, log } = await fixture.finish(fixture.order(), {}, { engine });
    expect(result).toMatchObject({ error: { code: 'AC_WORKER_CONFINEMENT' } });
    expect(JSON.stringify(result)).toContain(`its process limit is ${testLimits.pids * 2}`);
    expect(log).not.toContain('checking out');
    expect(unwrap(await fixture.engine.list(fixture.instance))).toEqual([]);
  });

  it('S4 writes outside the workspace and /tmp fail with EROFS or EACCES, whatever the permissions of the mirror', async () => {
    await chmod(fixture.mirror, 0o777);
    const places =
      words(`/x /etc/x /etc/passwd /usr/bin/x /mirror.git/x /opt/worker/x /opt/worker/runtime.mjs /sys/fs/cgroup/x
      /proc/sys/kernel/hostname /dev/x /var/tmp/x /run/x`);
    const output = await fixture.probe(
      `perl -e 'for (@ARGV) { print "$_ ", (open(my $f, ">", $_) ? "written" : $!+0), "\\n" }' ${places.join(' ')} /workspace/x /tmp/x; cat /proc/mounts`,
    );
    const answers = Object.fromEntries(output.split('\n').map((line) => line.split(' ', 2)));
    const [forbidden, readOnly] = ['13', '30'];
    expect(places.filter((path) => answers[path] !== forbidden && answers[path] !== readOnly)).toEqual([]);
    expect(answers['/mirror.git/x']).toBe(readOnly);
    expect(answers['/workspace/x']).toBe('written');
    expect(answers['/tmp/x']).toBe('written');
    for (const target of ['/', '/mirror.git', '/opt/worker', '/proc/sys']) {
      expect(output).toMatch(new RegExp(`^\\S+ ${target} \\S+ ro,`, 'm'));
    }
  });

  it('S5 nothing can be reached: TCP, UDP, DNS, metadata, VSOCK, PACKET, raw and abstract sockets fail, the host sees nothing', async () => {
    let seen = 0;
    const tcp = createServer(() => (seen += 1)).listen(0, '0.0.0.0');
    const abstractName = `agentcompany-${randomUUID()}`;
    const abstract = createServer(() => (seen += 1)).listen(`\0${abstractName}`);
    const udp = createSocket('udp4', () => (seen += 1)).bind(0, '0.0.0.0');
    await Promise.all([once(tcp, 'listening'), once(abstract, 'listening'), once(udp, 'listening')]);
    const addresses = Object.values(networkInterfaces()).flatMap((entries) =>
      (entries ?? []).filter(({ family }) => family === 'IPv4'),
    );
    const hosts = [
      ...new Set(['127.0.0.1', '169.254.169.254', '8.8.8.8', '172.17.0.1', ...addresses.map(({ address }) => address)]),
    ];
    const address = tcp.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const attack = `
      use Socket; $| = 1; sub show { print "$_[0] ", ($_[1] ? "REACHED" : "failed: $!"), "\\n" }
      for my $host (qw(${hosts.join(' ')})) {
        for my $port (${port}, 80, 2375) { socket(my $s, PF_INET, SOCK_STREAM, 6); show("tcp $host:$port", connect($s, pack_sockaddr_in($port, inet_aton($host)))) }
        next if $host eq "127.0.0.1";
        for my $port (${udp.address().port}, 53) { socket(my $u, PF_INET, SOCK_DGRAM, 17); show("udp $host:$port", send($u, "x", 0, pack_sockaddr_in($port, inet_aton($host)))) }
      }
      socket(my $u, PF_INET, SOCK_DGRAM, 17); send($u, "x", 0, pack_sockaddr_in(${udp.address().port}, inet_aton("127.0.0.1")));
      show("dns", scalar gethostbyname("example.com"));
      for my $family (40, 17, 38, 15, 29, 31, 44) { show("family $family", socket(my $s, $family, 1, 0) || socket(my $t, $family, 3, 0) || socket(my $v, $family, 5, 0)) }
      show("raw", socket(my $r, PF_INET, SOCK_RAW, 1)); show("netlink kobject", socket(my $n, 16, 3, 15));
      socket(my $a, PF_UNIX, SOCK_STREAM, 0); show("abstract", connect($a, pack("Sa*", 1, "\\0${abstractName}")));`;
    const output = await fixture.probe(`perl -e '${attack}'`);
    expect(output).not.toContain('REACHED');
    for (const target of [
      'tcp 169.254.169.254:80',
      'udp 8.8.8.8:53',
      'dns',
      'family 40',
      'family 17',
      'raw',
      'netlink kobject',
      'abstract',
    ]) {
      expect(output).toContain(`${target} failed`);
    }
    expect(output).toContain('family 40 failed: Operation not permitted');
    expect(seen).toBe(0);
    for (const server of [tcp, abstract, udp]) server.close();
  });

  it.runIf(process.arch === 'x64')('S6 dangerous system calls answer EPERM or ENOSYS', async () => {
    const calls = {
      ptrace: 101,
      mount: 165,
      keyctl: 250,
      add_key: 248,
      request_key: 249,
      unshare: 272,
      perf_event_open: 298,
      bpf: 321,
      userfaultfd: 323,
      io_uring_setup: 425,
      io_uring_enter: 426,
      fsopen: 430,
      clone3: 435,
      setns: 308,
      open_by_handle_at: 304,
      process_vm_readv: 310,
      pivot_root: 155,
      chroot: 161,
      init_module: 175,
      kexec_load: 246,
      pidfd_getfd: 438,
    };
    const list = Object.entries(calls)
      .map(([name, number]) => `${name} ${number}`)
      .join(' ');
    const output = await fixture.probe(
      `perl -e 'my %c = qw(${list}); for (sort keys %c) { my $r = syscall($c{$_}, 0x10000000, 0, 0, 0, 0); print "$_ $r ", $!+0, "\\n" } print "clone ", syscall(56, 0x10000011, 0, 0, 0, 0), " ", $!+0, "\\n"'`,
    );
    const errnos = Object.fromEntries(
      output
        .trimEnd()
        .split('\n')
        .map((line) => [line.split(' ')[0], line.split(' ').slice(1).join(' ')]),
    );
    const { clone3, ...others } = errnos;
    expect(clone3).toBe('-1 38');
    expect(Object.keys(others)).toHaveLength(Object.keys(calls).length);
    expect(Object.entries(others).filter(([, answer]) => answer !== '-1 1')).toEqual([]);
  });

  it('S9 a commit that is larger than the workspace ends as AC_WORKSPACE_FULL', async () => {
    const text = (): string => randomBytes(49_152).toString('base64');
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`file-${index}`, text()]));
    const large = await WorkerFixture.open(files);
    onTestFinished(() => large.close());
    const { result } = await large.finish(large.order(), { limits: { ...testLimits, workspaceBytes: 1_048_576 } });
    expect(unwrap(result).report.error).toMatchObject({ code: 'AC_WORKSPACE_FULL' });
  });

  it("S9 filling /workspace and /tmp ends in ENOSPC inside, as AC_WORKSPACE_FULL, and takes nothing of the host's disk", async () => {
    const mebibyte = 1_048_576;
    const limits = {
      ...testLimits,
      memoryBytes: 900 * mebibyte,
      workspaceBytes: 600 * mebibyte,
      temporaryBytes: 32 * mebibyte,
    };
    const folder = unwrap(await fixture.engine.info()).dataRoot;
    const free = async (): Promise<number> => {
      const found = await statfs(folder);
      return found.bavail * found.bsize;
    };
    const before = await free();
    let during = before;
    const command =
      'cat /dev/zero > /tmp/fill; cat /dev/zero > fill; du -m /workspace /tmp; sleep 1; cat /dev/zero > more';
    const watch = setInterval(() => void free().then((now) => (during = Math.min(during, now))), 100);
    const { result } = await fixture.finish(fixture.order({ run: { command } }), { limits });
    clearInterval(watch);
    const { report } = unwrap(result);
    expect(report.agent?.output.match(/No space left on device/g)).toHaveLength(3);
    expect(report.error?.code).toBe('AC_WORKSPACE_FULL');
    const filled = [...(report.agent?.output ?? '').matchAll(/^(\d+)\s+\/(?:workspace|tmp)$/gm)].map((match) =>
      Number(match[1]),
    );
    expect(Math.min(...filled)).toBeGreaterThanOrEqual(31);
    expect(Math.max(...filled)).toBeLessThanOrEqual(600);
    expect(before - during).toBeLessThan(500 * mebibyte);
  });

  it('S15 S41 no key of a model is in the order, log, container or mirror of a worker whose agent has a model', async () => {
    const canaries = ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'MODEL_KEY'].map(
      (name) => [name, `sk-canary-${randomUUID()}`] as const,
    );
    const before = canaries.map(([name]) => [name, process.env[name]] as const);
    for (const [name, value] of canaries) process.env[name] = value;
    try {
      const search =
        'printf "sk-can%s\\n" ary-of-its-own > own; { env; cat /proc/*/environ /proc/*/cmdline /proc/mounts; find / -xdev -type f -size -1024k -not -path "/proc/*" -not -path "/sys/*" -not -path "/usr/*" -exec cat {} +; find /mirror.git /workspace -type f -exec cat {} +; } 2>/dev/null | grep -ac "sk-canar[y]-"; echo searched';
      expect(await fixture.probe(search)).toBe('1\nsearched\n');
      const definition = agentDefinition.parse({ name: 'coder', role: 'worker', prompt: 'Obey.' });
      const order = fixture.order({
        agent: { definition, agent_timeout: 300, model: 'm', acceptance: [], paths: [], resume: false },
        run: null,
      });
      const created = JSON.stringify(await inspectCreated());
      const finished = await fixture.finish(order);
      expect(finished.containers).toHaveLength(1);
      for (const [, value] of canaries) {
        expect(JSON.stringify([order, finished.result, finished.progress])).not.toContain(value);
        expect(finished.log).not.toContain(value);
        expect(created).not.toContain(value);
      }
    } finally {
      for (const [name, value] of before)
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
    }
  });

  it('S15 a secret of the host is nowhere a worker can read, nor in what inspect tells', async () => {
    const secret = randomUUID();
    process.env['AGENTCOMPANY_TEST_CANARY'] = secret;
    try {
      const reversed = [...secret].toReversed().join('');
      const search = `C=$(perl -e 'print scalar reverse "${reversed}"'); echo canary $C | wc -c
        { env; tr "\\0" "\\n" < /proc/self/environ; cat /proc/*/environ /proc/*/cmdline /proc/mounts; } 2>/dev/null |
          perl -ne 'BEGIN { $c = reverse "${reversed}" } $n++ if index($_, $c) >= 0; END { print $n + 0, "\\n" }'
        grep -rslF "$C" /mirror.git /opt/worker/runtime* /opt/worker/gitconfig /etc /home /root /run /var /tmp /usr/local /workspace/home /workspace/task/task.json; echo searched`;
      const output = await fixture.probe(search);
      expect(output).toBe('44\n0\nsearched\n');
      expect(JSON.stringify(await inspectCreated())).not.toContain(secret);
      const logs = await fixture.finish(fixture.order({ run: { command: 'env; cat /proc/*/environ' } }));
      expect(logs.log).toContain('GIT_TERMINAL_PROMPT');
      expect(logs.log).not.toContain(secret);
    } finally {
      delete process.env['AGENTCOMPANY_TEST_CANARY'];
    }
  });
});
