import { z } from 'zod';

/** What an attempt to get out of a worker goes for. */
export const escapeGoals = ['network', 'writes', 'calls', 'host'] as const;
export type EscapeGoal = (typeof escapeGoals)[number];

interface AttemptOf<Id extends string> {
  /** `<goal>.<name>`: what reports, records and docs/security.md call it. */
  readonly id: Id;
  /** Row of the specification that demands that it fails. */
  readonly row: string;
  /** What is tried, in one line for people. */
  readonly text: string;
}

function attempts<const Ids extends Readonly<Record<string, readonly [row: string, text: string]>>>(
  table: Ids,
): readonly AttemptOf<keyof Ids & string>[] {
  return Object.entries(table).map(([id, [row, text]]) => ({ id: id as keyof Ids & string, row, text }));
}

/**
 * Every attempt to get out of a worker that is made before a runtime carries its first task (`worker-image/src/escape`):
 * each has to fail. docs/security.md holds the same list with what came of it.
 */
export const escapeAttempts = attempts({
  'network.interfaces': ['S5', 'an interface other than loopback is up'],
  'network.host': ['S5', 'TCP to a listener on every address of the host'],
  'network.datagram': ['S5', 'UDP to a listener on every address of the host'],
  'network.internet': ['S5', 'TCP and UDP to public addresses, IPv4 and IPv6'],
  'network.metadata': ['S5', "TCP to the cloud's metadata service, 169.254.169.254 and fd00:ec2::254"],
  'network.names': ['S5', 'looking a name up, and asking public name servers directly'],
  'network.engine': ['S5', "TCP to the container engine's usual ports on every address of the host"],
  'network.abstract': ['S5', 'a Unix socket of the host in the abstract name space'],
  'network.vsock': ['S5', 'a socket of family AF_VSOCK, which no network name space covers'],
  'network.packet': ['S5', 'a socket of family AF_PACKET'],
  'network.raw': ['S5', 'raw sockets of IPv4 and IPv6'],
  'network.netlink': ['S5', 'netlink sockets for audit, netfilter and kernel events'],
  'network.algorithm': ['S6', 'a socket of family AF_ALG'],
  'network.families': ['S5', 'sockets of AF_KEY, AF_RDS, AF_CAN, AF_TIPC, AF_BLUETOOTH, AF_NFC, AF_SMC, AF_XDP'],
  'network.heard': ['S5', 'anything of all this arrives at the listeners of the host'],
  'writes.root': ['S4', 'new files in /, /usr/bin, /var/tmp, /run, /home, /root, /dev'],
  'writes.settings': ['S4', 'new files in /etc, and changing /etc/passwd, /etc/hosts, /etc/resolv.conf'],
  'writes.mirror': ['S4', 'new files, objects and refs in /mirror.git, and changing its HEAD and configuration'],
  'writes.runtime': ['S4', "changing the worker's runtime in /opt/worker"],
  'writes.groups': ['S4', 'new control groups, raising the limits, a release agent'],
  'writes.kernel': ['S4', 'settings of the kernel: core_pattern, modprobe, hostname, sysrq'],
  'writes.devices': ['S4', 'new device nodes, opening disks, memory, KVM, FUSE and tunnel devices'],
  'writes.protection': ['S4', 'protecting itself from the killer of processes without memory, raising resource limits'],
  'calls.ptrace': ['S6', 'ptrace of the runtime'],
  'calls.process_vm': ['S6', 'process_vm_readv and process_vm_writev of the runtime, kcmp, pidfd_getfd'],
  'calls.unshare': ['S6', 'unshare of user, mount, network, PID and time name spaces'],
  'calls.clone': ['S6', 'clone and clone3 into a new user name space'],
  'calls.setns': ['S6', 'setns'],
  'calls.mount': ['S6', 'mount, remount of / for writing, umount, pivot_root, chroot'],
  'calls.mount_api': ['S6', 'fsopen, fsmount, fspick, open_tree, move_mount, mount_setattr'],
  'calls.io_uring': ['S6', 'io_uring_setup, io_uring_enter, io_uring_register'],
  'calls.bpf': ['S6', 'bpf'],
  'calls.perf': ['S6', 'perf_event_open'],
  'calls.userfaultfd': ['S6', 'userfaultfd'],
  'calls.keyrings': ['S6', 'add_key, request_key, keyctl'],
  'calls.handles': ['S6', 'name_to_handle_at, open_by_handle_at'],
  'calls.modules': ['S6', 'init_module, finit_module, delete_module'],
  'calls.kexec': ['S6', 'kexec_load, kexec_file_load, reboot'],
  'calls.clock': ['S6', 'settimeofday, clock_settime, clock_adjtime'],
  'calls.machine': ['S6', 'sethostname, syslog, acct, swapon, quotactl, iopl, fanotify_init'],
  'calls.identity': ['S6', 'setuid 0, setgid 0, setgroups, raising capabilities'],
  'calls.personality': ['S6', 'personality without randomised addresses'],
  'calls.foreign': ['S6', 'calls through the x32 numbering, which a filter by number would miss'],
  'host.engine_socket': ['C17', 'sockets of Docker, containerd, Podman, CRI-O'],
  'host.files': ['C17', 'a file on the host beside the mirror, by its path'],
  'host.processes': ['C17', 'a process of the host, by what its command line and environment hold'],
  'host.mounts': ['S4', 'a writable mount that is no memory of the worker'],
  'host.memory': ['S6', '/proc/kcore, /dev/mem, /dev/kmsg, /sys/firmware, /proc/keys'],
  'host.keys': ['S15', '.ssh, .aws, .docker, .netrc, .git-credentials, service tokens'],
  'host.environment': ['S15', 'variables that look like a key in the environment of any process it can read'],
  'host.canary': ['S15', 'a planted key, anywhere in the files, processes and mounts it can read'],
});

export type EscapeAttemptId = (typeof escapeAttempts)[number]['id'];

/** What an attempt goes for, which is the first half of its id. */
export function escapeGoalOf(id: string): EscapeGoal | null {
  return escapeGoals.find((goal) => id.startsWith(`${goal}.`)) ?? null;
}

/** What the host has put out for the attempts to find, handed to the program as one JSON argument. */
export const escapeBait = z.object({
  /** Comes back on the first line: proof that the answer is to this order. */
  nonce: z.string(),
  addresses: z.array(z.string()),
  tcp_port: z.int(),
  udp_port: z.int(),
  abstract_name: z.string(),
  /** Files of the host, absolute. */
  files: z.array(z.string()),
  /** The planted key backwards, so that looking for it does not find the search. */
  canary_reversed: z.string(),
});
export type EscapeBait = z.infer<typeof escapeBait>;

/** `held`: it failed as it must; `escaped`: it worked; `untried`: what is needed to try it is not in the image. */
export const escapeOutcomes = ['held', 'escaped', 'untried'] as const;

export interface EscapeFinding {
  readonly id: EscapeAttemptId;
  readonly outcome: (typeof escapeOutcomes)[number];
  /** How it failed, or what worked; one line. */
  readonly detail: string;
}

const longestDetail = 100;

/** A finding as the program prints it: one line, in few bytes, for the host keeps only the last 8 KiB of a command's output. */
export function formatFinding({ id, outcome, detail }: EscapeFinding): string {
  // oxlint-disable-next-line no-control-regex -- what could break the line is what is taken out
  const oneLine = detail.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, longestDetail);
  return `${outcome} ${id} ${oneLine}`;
}

/** The findings in what the program printed. Lines of another form are left out: what is missing is then not proven. */
export function parseFindings(output: string): readonly EscapeFinding[] {
  return output.split('\n').flatMap((line) => {
    const [, outcome, id, detail] = /^(\w+) ([\w.]+) (.*)$/.exec(line) ?? [];
    const known = escapeAttempts.find((attempt) => attempt.id === id);
    const how = escapeOutcomes.find((name) => name === outcome);
    return known === undefined || how === undefined ? [] : [{ id: known.id, outcome: how, detail: detail ?? '' }];
  });
}
