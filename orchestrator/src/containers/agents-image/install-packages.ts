import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import { agentPackages, type CodeAgent, type Processor } from './agent-packages.ts';
import { agentImageErrors } from './errors.ts';

const run = promisify(execFile);
const installTimeoutMs = 900_000;

export interface InstallOptions {
  /** Holds `<agent>/package.json` and `package-lock.json`. */
  readonly recipes: string;
  /** Where finished installations are kept. */
  readonly cache: string;
  /** The npm that installs: its program and what comes before the arguments. */
  readonly npm: readonly [string, ...string[]];
  readonly processor: Processor;
  /** npm's: registry, proxy and credentials are the user's own. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Names what an installation is made of. */
async function recipeDigest(recipes: string, agent: CodeAgent, processor: Processor): Promise<string> {
  const hash = createHash('sha256').update(`${agent} ${processor}\n`);
  for (const name of ['package.json', 'package-lock.json'])
    hash.update(await readFile(path.join(recipes, agent, name)));
  return hash.digest('hex').slice(0, 16);
}

/**
 * Installs one agent's packages as its lockfile has them, without running any of their scripts, into a folder named after what it is
 * made of; one that is there already is taken. Returns the folder.
 * Errors: `AC_IMAGE_AGENT_INSTALL`, `AC_IMAGE_AGENT_UNPINNED`.
 */
export async function installAgent(agent: CodeAgent, options: InstallOptions): Promise<Result<string>> {
  const { recipes, cache, processor } = options;
  const finished = path.join(cache, `${agent}-${await recipeDigest(recipes, agent, processor)}`);
  if (existsSync(finished)) return success(finished);
  await mkdir(cache, { recursive: true });
  const room = await mkdtemp(path.join(cache, 'installing-'));
  try {
    for (const name of ['package.json', 'package-lock.json'])
      await copyFile(path.join(recipes, agent, name), path.join(room, name));
    const installed = await npmInstall(agent, room, options);
    if (!installed.ok) return installed;
    const pinned = await checkPinned(agent, path.join(recipes, agent), room);
    if (!pinned.ok) return pinned;
    for (const unneeded of agentPackages[agent].unneeded(processor))
      await rm(path.join(room, unneeded), { recursive: true, force: true });
    const program = path.join(room, agentPackages[agent].program(processor));
    if (!existsSync(program))
      return failure(
        agentImageErrors.AC_IMAGE_AGENT_INSTALL({ agent }, `npm installed no ${path.relative(room, program)}`),
      );
    await makePlain(room, program);
    // Another build may have been faster: its folder is made of the same.
    await rename(room, finished).catch((cause: unknown) => {
      if (!existsSync(finished)) throw cause;
    });
    return success(finished);
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

async function npmInstall(agent: CodeAgent, folder: string, options: InstallOptions): Promise<Result<undefined>> {
  const [program, ...before] = options.npm;
  const target = ['--os=linux', `--cpu=${options.processor}`, '--libc=glibc'];
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const args = [...before, 'install', '--ignore-scripts', '--omit=dev', ...target, ...quiet];
  const { environment, signal } = options;
  try {
    await run(program, args, { cwd: folder, env: { ...environment }, timeout: installTimeoutMs, signal });
    return success();
  } catch (cause) {
    const said: unknown = cause instanceof Error ? Reflect.get(cause, 'stderr') : null;
    const why = typeof said === 'string' && said.trim() !== '' ? said.trim().slice(-1000) : cause;
    return failure(agentImageErrors.AC_IMAGE_AGENT_INSTALL({ agent }, why));
  }
}

const lockfile = z.object({ packages: z.record(z.string(), z.looseObject({ integrity: z.string().optional() })) });

async function packagesOf(file: string): Promise<ReadonlyMap<string, string | null>> {
  const { packages } = lockfile.parse(JSON.parse(await readFile(file, 'utf8')));
  return new Map(Object.entries(packages).map(([name, { integrity }]) => [name, integrity ?? null]));
}

/** Refuses what the lockfile of this product does not name with its digest, which npm has checked: `AC_IMAGE_AGENT_UNPINNED`. */
async function checkPinned(agent: CodeAgent, recipe: string, folder: string): Promise<Result<undefined>> {
  const pinned = await packagesOf(path.join(recipe, 'package-lock.json'));
  const installed = await packagesOf(path.join(folder, 'node_modules', '.package-lock.json'));
  for (const [name, integrity] of installed) {
    const isPinned = integrity !== null && pinned.get(name) === integrity;
    if (!isPinned)
      return failure(agentImageErrors.AC_IMAGE_AGENT_UNPINNED({ agent, package: name.replace(/^node_modules\//, '') }));
  }
  return success();
}

/** Readable by all, writable by nobody else, nothing that changes who a process is, no links: whatever the umask or an archive said. */
async function makePlain(folder: string, program: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) await rm(file);
    else if (entry.isDirectory()) await chmod(file, 0o755);
    else await chmod(file, ((await lstat(file)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
  await chmod(program, 0o755);
  await chmod(folder, 0o755);
}
