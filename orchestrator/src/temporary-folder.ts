import { readFileSync } from 'node:fs';
import { lstat, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const prefix = 'agentcompany-';
const ownerFile = '.agentcompany-owner.json';

/** A process that cannot be taken for another: its id is given anew after a while, and all are after a restart of the machine. */
const ownerSchema = z.object({
  pid: z.int().positive(),
  /** When it started, in ticks since the machine did; null where the system does not tell. */
  started: z.string().nullable(),
  /** Which start of the machine; null where the system does not tell. */
  boot: z.string().nullable(),
});
type Owner = z.infer<typeof ownerSchema>;

function readSystem(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}

const bootId = (): string | null => readSystem('/proc/sys/kernel/random/boot_id');

/** Field 22 of proc(5) `stat`: fields are counted behind the command's name, which may hold anything. */
function startOf(pid: number): string | null {
  const text = readSystem(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** A fresh folder among the machine's temporary files that says which process it belongs to. Who makes it removes it. */
export async function makeTemporaryFolder(purpose: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${purpose}-`));
  const owner: Owner = { pid: process.pid, started: startOf(process.pid), boot: bootId() };
  await writeFile(join(folder, ownerFile), JSON.stringify(owner));
  return folder;
}

function isAlive({ pid, started, boot }: Owner): boolean {
  if (boot !== bootId()) return false;
  if (started !== null) return startOf(pid) === started;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}

/** Folders of `makeTemporaryFolder` that this user made in a process that is no more. What does not say whose it is is left alone. */
export async function abandonedTemporaryFolders(): Promise<
  readonly { readonly folder: string; readonly pid: number }[]
> {
  const found: { folder: string; pid: number }[] = [];
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(tmpdir(), name);
    const owner = await ownerOf(folder);
    if (owner !== null && !isAlive(owner)) found.push({ folder, pid: owner.pid });
  }
  return found;
}

async function ownerOf(folder: string): Promise<Owner | null> {
  try {
    const status = await lstat(folder);
    if (!status.isDirectory() || status.uid !== process.getuid?.()) return null;
    return ownerSchema.parse(JSON.parse(await readFile(join(folder, ownerFile), 'utf8')));
  } catch {
    return null;
  }
}
