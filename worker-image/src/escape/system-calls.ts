import type { EscapeAttemptId } from '@agentcompany/protocol';

/** One call: its name, its number on x86-64 and on arm64 (null: that architecture has none), and arguments. */
interface SystemCall {
  readonly name: string;
  readonly numbers: readonly [x64: number | null, arm64: number | null];
  /** Numbers; `{text}` is a string that ends in NUL, `{zeros}` so many bytes of zero, `{hex}` bytes. */
  readonly args: readonly Argument[];
}
type CallsOfAttempts = Readonly<Partial<Record<EscapeAttemptId, readonly SystemCall[]>>>;
type Argument = number | { readonly text: string } | { readonly zeros: number } | { readonly hex: string };

const call = (name: string, x64: number | null, arm64: number | null, ...args: readonly Argument[]): SystemCall => ({
  name,
  numbers: [x64, arm64],
  args,
});
const same = (name: string, number: number, ...args: readonly Argument[]): SystemCall =>
  call(name, number, number, ...args);
const text = (words: string): Argument => ({ text: words });
const zeros = (bytes: number): Argument => ({ zeros: bytes });

const newSpaces = { user: 0x1000_0000, mount: 0x2_0000, network: 0x4000_0000, process: 0x2000_0000, time: 0x80 };
const childSignal = 17;
const remountWritable = 0x20 | 0x1000;
/** `struct clone_args` of clone3: flags, then pidfd, child_tid, parent_tid, exit_signal and three more, 8 bytes each. */
const cloneArguments = `00000010${'0'.repeat(56)}11${'0'.repeat(62)}`;
const capabilityHeader = { hex: '2205082000000000' };
const x32 = 0x4000_0000;
const currentFolder = -100;
const openFiles = 7;
const impossible = (bytes: number): Argument => ({ hex: 'ff'.repeat(bytes) });

/**
 * The calls of each attempt. `runtime` is the process of the worker's runtime. Where a call could harm the machine if it were
 * let through (clock, restart, another kernel), an argument is impossible: the kernel says so, and nothing happens.
 */
export function systemCallsOf(runtime: number): CallsOfAttempts {
  return {
    ...unusualCalls,
    // To seize a process does not stop it, unlike to attach to it: nothing changes where it works.
    'calls.ptrace': [call('ptrace', 101, 117, 0x4206, runtime, 0, 0)],
    'calls.process_vm': [
      call('process_vm_readv', 310, 270, runtime, zeros(16), 1, zeros(16), 1, 0),
      call('process_vm_writev', 311, 271, runtime, zeros(16), 1, zeros(16), 1, 0),
      call('kcmp', 312, 272, runtime, runtime, 0, 0, 0),
      same('pidfd_getfd', 438, 0, 0, 0),
    ],
    'calls.unshare': Object.entries(newSpaces).map(([kind, flag]) => call(`unshare ${kind}`, 272, 97, flag)),
    'calls.clone': [
      call('clone', 56, 220, newSpaces.user + childSignal, 0, 0, 0, 0),
      same('clone3', 435, { hex: cloneArguments }, 64),
    ],
    'calls.setns': [call('setns', 308, 268, 0, newSpaces.mount)],
    'calls.mount': [
      call('mount', 165, 40, text('none'), text('/tmp'), text('tmpfs'), 0, 0),
      call('remount', 165, 40, text('none'), text('/'), text('none'), remountWritable, 0),
      call('umount2', 166, 39, text('/mirror.git'), 2),
      call('pivot_root', 155, 41, text('/absent'), text('/absent')),
      call('chroot', 161, 51, text('/tmp')),
    ],
    'calls.mount_api': [
      same('fsopen', 430, text('tmpfs'), 0),
      same('fsmount', 432, 0, 0, 0),
      same('fspick', 433, currentFolder, text('/'), 0),
      same('open_tree', 428, currentFolder, text('/'), 1),
      same('move_mount', 429, currentFolder, text('/tmp'), currentFolder, text('/mnt'), 0),
      same('mount_setattr', 442, currentFolder, text('/'), 0, zeros(32), 32),
    ],
  };
}

/** What no ordinary program has a use for, whichever process it is. */
const unusualCalls: CallsOfAttempts = {
  'calls.io_uring': [
    same('io_uring_setup', 425, 8, zeros(120)),
    same('io_uring_enter', 426, 0, 0, 0, 0, 0, 0),
    same('io_uring_register', 427, 0, 0, 0, 0),
  ],
  'calls.bpf': [call('bpf', 321, 280, 0, zeros(120), 120)],
  'calls.perf': [call('perf_event_open', 298, 241, zeros(128), 0, -1, -1, 0)],
  'calls.userfaultfd': [call('userfaultfd', 323, 282, 0)],
  'calls.keyrings': [
    call('add_key', 248, 217, text('user'), text('agentcompany'), text('x'), 1, -3),
    call('request_key', 249, 218, text('user'), text('agentcompany'), 0, -3),
    call('keyctl', 250, 219, 0, -3, 1),
  ],
  'calls.handles': [
    call('name_to_handle_at', 303, 264, currentFolder, text('/'), zeros(136), zeros(8), 0),
    call('open_by_handle_at', 304, 265, 0, zeros(136), 0),
  ],
  'calls.modules': [
    call('init_module', 175, 105, zeros(64), 64, text('')),
    call('finit_module', 313, 273, 0, text(''), 0),
    call('delete_module', 176, 106, text('agentcompany'), 0),
  ],
  'calls.kexec': [
    call('kexec_load', 246, 104, 0, 0, 0, -1),
    call('kexec_file_load', 320, 294, 0, 0, 0, text(''), -1),
    call('reboot', 169, 142, 0xfee1_dead, 0, 0, 0),
  ],
  'calls.clock': [
    call('settimeofday', 164, 170, impossible(16), 0),
    call('clock_settime', 227, 112, 0, impossible(16)),
    call('clock_adjtime', 305, 266, 0, impossible(208)),
  ],
  'calls.machine': [
    call('sethostname', 170, 161, text('escaped'), -1),
    call('syslog', 103, 116, 3, zeros(64), 64),
    call('acct', 163, 89, text('/absent')),
    call('swapon', 167, 224, text('/tmp'), 0),
    call('quotactl', 179, 60, 0, 0, 0, 0),
    call('iopl', 172, null, 3),
    call('fanotify_init', 300, 262, 0, 0),
  ],
  'calls.identity': [
    call('setuid', 105, 146, 0),
    call('setgid', 106, 144, 0),
    call('setgroups', 116, 159, 1, zeros(4)),
    call('capset', 126, 91, capabilityHeader, { hex: 'ff'.repeat(24) }),
  ],
  'calls.personality': [call('personality', 135, 92, 0x004_0000)],
  'calls.foreign': [call('getpid by x32', 39 + x32, null), call('unshare by x32', 272 + x32, null, newSpaces.user)],
  'writes.protection': [call('prlimit64', 302, 261, 0, openFiles, { hex: '0000100000000000'.repeat(2) }, 0)],
  'writes.devices': [
    call('mknodat disk', 259, 33, currentFolder, text('/tmp/disk'), 0o060_666, 0x800),
    call('mknodat memory', 259, 33, currentFolder, text('/tmp/memory'), 0o020_666, 0x101),
  ],
};

/** A call that every process may make: where it fails, failures of the others prove nothing. */
export const harmlessCall = call('getpid', 39, 172);

function argumentWord(argument: Argument): string {
  if (typeof argument === 'number') return String(argument);
  if ('text' in argument) return `x${Buffer.from(`${argument.text}\0`).toString('hex')}`;
  return 'zeros' in argument ? `x${'00'.repeat(argument.zeros)}` : `x${argument.hex}`;
}

/** The line that tells the raw caller to make a call; null where this architecture has none. */
export function lineOf({ numbers: [x64, arm64], args }: SystemCall, architecture: string): string | null {
  const number = architecture === 'x64' ? x64 : architecture === 'arm64' ? arm64 : null;
  return number === null ? null : ['call', number, ...args.map(argumentWord)].join(' ');
}
