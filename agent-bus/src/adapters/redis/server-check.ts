import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { Redis } from 'ioredis';
import { busErrors } from '../../errors.ts';

/** `LPOP` with a count, `COPY` and exclusive ranges of streams. */
const leastVersion = [6, 2, 0] as const;

/** What a server that keeps what it acknowledges is set to. */
const wanted: readonly (readonly [setting: string, value: string])[] = [
  ['appendonly', 'yes'],
  ['appendfsync', 'always'],
  ['no-appendfsync-on-rewrite', 'no'],
  ['maxmemory-policy', 'noeviction'],
];

export interface ServerState {
  readonly role: string;
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of leastVersion.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}

const field = (info: string, name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';

/** Version and role. Error: `AC_BUS_SERVER_OLD`. Throws what the connection throws. */
export async function readServer(client: Redis, address: string): Promise<Result<ServerState>> {
  const info = await client.info();
  const found = field(info, 'redis_version');
  if (isOlder(found)) {
    return failure(
      busErrors.AC_BUS_SERVER_OLD({ address, found: found || 'of no version', least: leastVersion.join('.') }),
    );
  }
  return success({ role: field(info, 'role') });
}

/**
 * Checks that what the server acknowledges survives a power failure and is never evicted.
 * Error: `AC_BUS_VOLATILE` naming the setting, also where the server does not tell. Throws what the connection throws.
 */
export async function checkDurability(client: Redis, address: string): Promise<Result<undefined>> {
  for (const [setting, value] of wanted) {
    const found = await settingOf(client, setting);
    if (found === value) continue;
    const shown = found ?? 'not told (CONFIG GET is forbidden, as on some managed servers)';
    return failure(volatile(address, setting, shown, value));
  }
  return success(undefined);
}

function volatile(address: string, setting: string, value: string, expected: string): AppError {
  return busErrors.AC_BUS_VOLATILE({ address, setting, value, wanted: expected });
}

async function settingOf(client: Redis, setting: string): Promise<string | null> {
  try {
    const reply = (await client.config('GET', setting)) as readonly string[];
    return reply[1] ?? null;
  } catch (thrown) {
    if (thrown instanceof Error && /NOPERM|unknown command|unknown subcommand|not allowed/i.test(thrown.message))
      return null;
    throw thrown;
  }
}
