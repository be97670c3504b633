import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Made once on a machine where tests run as root, and used again: a user nobody can log in as. */
const testUser = 'agentcompany-test';

/** Who runs a rootless engine, and with which subordinate users. */
export interface PlainUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

async function idOf(user: string): Promise<PlainUser | null> {
  try {
    const [name, uid, gid] = await Promise.all(['-un', '-u', '-g'].map((what) => run('id', [what, user])));
    return { name: name?.stdout.trim() ?? '', uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch {
    return null;
  }
}

function hasSubordinates({ name, uid }: PlainUser): boolean {
  return ['/etc/subuid', '/etc/subgid'].every((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .some((line) => line.startsWith(`${name}:`) || line.startsWith(`${uid}:`)),
  );
}

/** A plain user with subordinate users: this one, or where this is root the test user, made where there is none. Throws where none can be had. */
export async function plainUser(): Promise<PlainUser> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && (await idOf(testUser)) === null) {
    const options = ['--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin'];
    // Another test file may be faster: then it is there all the same.
    await run('useradd', [...options, testUser]).catch(() => undefined);
  }
  const user = await idOf(isRoot ? testUser : String(process.getuid?.() ?? ''));
  if (user === null || !hasSubordinates(user))
    throw new Error('a plain user with entries in /etc/subuid and /etc/subgid is needed (useradd gives them)');
  return user;
}

/** Starts a program as that user, with this environment and no other. Its own session: no signal of the terminal reaches it. */
export function spawnAs(
  user: PlainUser,
  command: readonly string[],
  options: { readonly cwd: string; readonly environment: Readonly<Record<string, string>> },
): ChildProcess {
  const [program = '', ...rest] = command;
  return spawn(program, rest, {
    cwd: options.cwd,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin', ...options.environment },
    uid: user.uid,
    gid: user.gid,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
