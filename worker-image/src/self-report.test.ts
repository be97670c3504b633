import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { selfReport } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { memoryKills, processRefusals, readSelfReport } from './self-report.ts';

const status =
  'Name:\tnode\nUid:\t10001\t10001\t10001\t10001\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n';

async function system(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'agentcompany-system-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

describe('what a worker reads of its confinement', () => {
  const common = {
    'proc/version': 'Linux version 6.1\n',
    'proc/self/attr/current': 'docker-default (enforce)\n',
    'proc/self/status': status,
    'sys/class/net/lo/flags': '0x9\n',
    'sys/class/net/tunl0/flags': '0x80\n',
  };

  it('comes from cgroup version 2', async () => {
    const groups = {
      'sys/fs/cgroup/memory.max': '1073741824\n',
      'sys/fs/cgroup/pids.max': '64\n',
      'sys/fs/cgroup/cpu.max': '150000 100000\n',
    };
    const report = await readSelfReport(await system({ ...common, ...groups }));
    expect(selfReport.parse(report)).toEqual({
      kernel: 'Linux version 6.1',
      apparmor_profile: 'docker-default (enforce)',
      uid: 10_001,
      capabilities_bounding: '0000000000000000',
      no_new_privileges: true,
      seccomp_mode: 2,
      interfaces: ['lo'],
      memory_limit_bytes: 1_073_741_824,
      pids_limit: 64,
      cpu_limit: 1.5,
      workspace_bytes: null,
      temporary_bytes: null,
      open_files_limit: expect.any(Number),
      file_size_limit_bytes: null,
      core_size_limit_bytes: null,
      mounts: [],
      exposed_paths: [],
      node_version: process.version,
    });
  });

  it('S1 names what is mounted, and what of the kernel is neither hidden nor write-protected', async () => {
    const mountinfo = `122 82 0:43 / / ro,relatime - overlay overlay rw,lowerdir=x
123 122 0:46 / /proc rw,nosuid - proc proc rw
129 122 0:51 / /workspace rw,nosuid shared:1 - tmpfs tmpfs rw,size=131072k
86 123 0:46 /sys /proc/sys ro,nosuid - proc proc rw
88 123 0:6 /null /proc/keys rw,relatime - devtmpfs devtmpfs rw
`;
    const kernel = { 'proc/keys': '', 'proc/kcore': '', 'proc/sys/x': '', 'proc/sysrq-trigger': '' };
    const report = await readSelfReport(await system({ ...common, ...kernel, 'proc/self/mountinfo': mountinfo }));
    expect(report.mounts).toEqual([
      { target: '/', type: 'overlay', writable: false },
      { target: '/proc', type: 'proc', writable: true },
      { target: '/workspace', type: 'tmpfs', writable: true },
      { target: '/proc/sys', type: 'proc', writable: false },
      { target: '/proc/keys', type: 'devtmpfs', writable: true },
    ]);
    expect(report.exposed_paths).toEqual(['/proc/kcore', '/proc/sysrq-trigger']);
  });

  it('comes from cgroup version 1', async () => {
    const groups = {
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '1073741824\n',
      'sys/fs/cgroup/pids/pids.max': '64\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    };
    const report = await readSelfReport(await system({ ...common, ...groups }));
    expect(report).toMatchObject({ memory_limit_bytes: 1_073_741_824, pids_limit: 64, cpu_limit: 2 });
  });

  it('names no limit where there is none: absent, max, the largest number, a negative quota', async () => {
    const none = { memory_limit_bytes: null, pids_limit: null, cpu_limit: null };
    expect(await readSelfReport(await system(common))).toMatchObject(none);
    const version2 = {
      'sys/fs/cgroup/memory.max': 'max\n',
      'sys/fs/cgroup/pids.max': 'max\n',
      'sys/fs/cgroup/cpu.max': 'max 100000\n',
    };
    expect(await readSelfReport(await system({ ...common, ...version2 }))).toMatchObject(none);
    const version1 = {
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    };
    expect(await readSelfReport(await system({ ...common, ...version1 }))).toMatchObject(none);
  });

  it('reports what cannot be true rather than nothing when it cannot read', async () => {
    expect(await readSelfReport(await system({}))).toMatchObject({
      uid: -1,
      kernel: '',
      capabilities_bounding: '',
      no_new_privileges: null,
      seccomp_mode: -1,
      interfaces: ['unknown'],
    });
  });

  it('S1 comes from the process itself and the mounted file systems: sizes in memory, and limits of each process', async () => {
    const script = `import(${JSON.stringify(new URL('self-report.ts', import.meta.url).href)}).then(async ({ readSelfReport }) =>
      process.stdout.write(JSON.stringify(await readSelfReport())))`;
    const node = `${process.execPath} --conditions=development -e '${script}'`;
    const limited = await promisify(execFile)('sh', ['-c', `ulimit -n 999; ulimit -f 64; ulimit -c 0; ${node}`]);
    const report = selfReport.parse(JSON.parse(limited.stdout));
    const { open_files_limit: files, file_size_limit_bytes: size, core_size_limit_bytes: core } = report;
    // The shell counts files in blocks of 512 bytes.
    expect([files, size, core]).toEqual([999, 64 * 512, 0]);
    expect(report.interfaces).toContain('lo');
    expect(report.kernel).toContain('Linux version');
  });

  it('S19 reads the interfaces where there is no /sys/class/net', async () => {
    const devices = 'Inter-|   Receive\n face |bytes\n    lo: 0 0\n  eth0: 1 1\n';
    const { 'sys/class/net/lo/flags': _lo, 'sys/class/net/tunl0/flags': _tunnel, ...rest } = common;
    const report = await readSelfReport(await system({ ...rest, 'proc/net/dev': devices }));
    expect(report.interfaces).toEqual(['eth0', 'lo']);
  });

  it('counts the processes the kernel killed for want of memory, in either version', async () => {
    const second = await system({ 'memory.events': 'low 0\nmax 3\noom 1\noom_kill 2\n' });
    const first = await system({ 'memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 5\n' });
    expect([await memoryKills(second), await memoryKills(first), await memoryKills('/none')]).toEqual([2, 5, 0]);
  });

  it('S7 counts the processes the kernel refused, in either version', async () => {
    const second = await system({ 'pids.events': 'max 3\n' });
    const first = await system({ 'pids/pids.events': 'max 5\n' });
    const counts = [await processRefusals(second), await processRefusals(first), await processRefusals('/none')];
    expect(counts).toEqual([3, 5, 0]);
  });
});
