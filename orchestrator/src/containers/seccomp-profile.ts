/**
 * The seccomp profile of every worker: what an ordinary build tool needs, everything else EPERM. It follows the scope of
 * Docker's default profile, minus what a sealed worker has no use for (spec security §0.7, §1): ptrace, io_uring, keyrings,
 * bpf, perf, userfaultfd, the mount family, namespaces, handles, clock setting, other socket families, and the 32-bit ABI.
 */

const words = (text: string): string[] => text.trim().split(/\s+/);

const files = words(`
  access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fallocate fchdir fchmod
  fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate
  futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown
  lgetxattr link linkat listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod mknodat newfstatat open
  openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr removexattrat
  rename renameat renameat2 rmdir sendfile setxattr setxattrat splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee
  truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev`);

const memory = words(`
  brk cachestat madvise map_shadow_stack membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap mseal msync munlock
  munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages`);

const processes = words(`
  arch_prctl capget capset execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv futex_wake get_robust_list
  getcpu getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid
  gettid getuid ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self pause pidfd_open
  pidfd_send_signal prctl prlimit64 restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
  sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
  seccomp set_robust_list set_tid_address setfsgid setfsuid setgid setgroups setpgid setpriority setregid setresgid setresuid setreuid
  setrlimit setsid setuid sigaltstack sysinfo tgkill times tkill uname vfork wait4 waitid`);

const waitingAndTime = words(`
  alarm clock_getres clock_gettime clock_nanosleep epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd
  eventfd2 getitimer getrandom gettimeofday io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit nanosleep pipe pipe2 poll
  ppoll pselect6 select setitimer signalfd signalfd4 time timer_create timer_delete timer_getoverrun timer_gettime timer_settime
  timerfd_create timerfd_gettime timerfd_settime`);

const interProcess = words(`
  accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg semctl semget semop semtimedop sendmmsg
  sendmsg sendto setsockopt shmat shmctl shmdt shmget shutdown`);

const allowed = [...files, ...memory, ...processes, ...waitingAndTime, ...interProcess].toSorted();

const notImplemented = 38;
const addressFamily = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
const netlinkRoute = 0;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (linux/sched.h); NEWTIME is only for clone3 and unshare. */
const newNamespaces = 0x7e02_0000;
/** Personalities without effect on protection: Linux, UNAME26, and the query 0xffffffff. */
const personalities = [0, 0x0002_0000, 0xffff_ffff];

type Comparison = 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
const argument = (index: number, op: Comparison, value: number, valueTwo = 0) => ({ index, value, valueTwo, op });
const allow = (name: string, args: readonly ReturnType<typeof argument>[]) => ({
  names: [name],
  action: 'SCMP_ACT_ALLOW',
  args,
});

/** What must not be called, and says so instead of being refused: libc falls back to clone, whose flags can be checked, and to plain socket calls. */
const unimplemented = { names: ['clone3', 'socketcall'], action: 'SCMP_ACT_ERRNO', errnoRet: notImplemented, args: [] };

const profile = (clone3: object): object => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  // No sub-architectures: a call through the 32-bit or x32 ABI ends the process, so its other numbering cannot slip past.
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: [] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: [] },
  ],
  syscalls: [
    { names: allowed, action: 'SCMP_ACT_ALLOW', args: [] },
    allow('socket', [argument(0, 'SCMP_CMP_EQ', addressFamily.unix)]),
    allow('socket', [argument(0, 'SCMP_CMP_EQ', addressFamily.inet)]),
    allow('socket', [argument(0, 'SCMP_CMP_EQ', addressFamily.inet6)]),
    allow('socket', [argument(0, 'SCMP_CMP_EQ', addressFamily.netlink), argument(2, 'SCMP_CMP_EQ', netlinkRoute)]),
    allow('socketpair', [argument(0, 'SCMP_CMP_EQ', addressFamily.unix)]),
    allow('clone', [argument(0, 'SCMP_CMP_MASKED_EQ', newNamespaces, 0)]),
    ...personalities.map((value) => allow('personality', [argument(0, 'SCMP_CMP_EQ', value)])),
    clone3,
  ],
});

/** The profile as the JSON text that goes inline into the create body. The same text for every worker. */
export const seccompProfile: string = JSON.stringify(profile(unimplemented));

/**
 * The same for gVisor, which answers every refusal with EPERM, so that no program could start a thread: clone3 reaches its kernel, which
 * has none or makes name spaces of its own, never the machine's.
 */
export const gVisorSeccompProfile: string = JSON.stringify(profile(allow('clone3', [])));
