import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { createFile, fsyncFolder } from './durable-file.ts';
import { orchestratorErrors as errors } from './errors.ts';
import { networkFileSystemOf } from './file-system-type.ts';

/** Where everything of one company lies (DESIGN §2). */
export interface CompanyHome {
  readonly root: string;
  readonly configFile: string;
  readonly instanceFile: string;
  readonly lockFile: string;
  readonly busFolder: string;
  readonly readModelFile: string;
  readonly runsFolder: string;
  readonly projectsFile: string;
  readonly mirrorsFolder: string;
  readonly vaultsFolder: string;
  readonly quarantineFolder: string;
  readonly bundlesFolder: string;
  /** Records of the prepared checkouts in the container engine's volumes. */
  readonly checkoutsFolder: string;
  readonly forgeFolder: string;
}

/** The layout of a home at `root`; touches nothing. */
export function homeAt(root: string): CompanyHome {
  const top = path.resolve(root);
  const state = path.join(top, 'runtime', 'state');
  const workspaces = path.join(top, 'workspaces');
  return Object.freeze({
    root: top,
    configFile: path.join(state, 'config.json'),
    instanceFile: path.join(state, 'instance.json'),
    lockFile: path.join(state, 'lock.db'),
    busFolder: path.join(state, 'bus'),
    readModelFile: path.join(state, 'company.db'),
    runsFolder: path.join(state, 'runs'),
    projectsFile: path.join(workspaces, 'projects.json'),
    mirrorsFolder: path.join(workspaces, 'mirrors'),
    vaultsFolder: path.join(workspaces, 'vaults'),
    quarantineFolder: path.join(state, 'quarantine'),
    bundlesFolder: path.join(state, 'bundles'),
    checkoutsFolder: path.join(state, 'checkouts'),
    forgeFolder: path.join(workspaces, 'forge'),
  });
}

/** The folder of all that is not to be seen by workers. */
export function stateFolder(home: CompanyHome): string {
  return path.dirname(home.configFile);
}

function isFolder(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function holdsState(root: string): boolean {
  return isFolder(path.join(root, 'runtime', 'state'));
}

function nearestHome(start: string): string | null {
  let folder = path.resolve(start);
  for (;;) {
    if (holdsState(folder)) return folder;
    const parent = path.dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}

/** Refuses a home whose state others could change or whose locks cannot be trusted. Errors: `AC_HOME_UNSAFE`, `AC_HOME_NETWORK_FS`. */
export function checkHome(home: CompanyHome): Result<CompanyHome> {
  const folder = stateFolder(home);
  try {
    const mode = statSync(folder).mode & 0o777;
    if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
      return failure(errors.AC_HOME_UNSAFE({ folder, mode: mode.toString(8).padStart(4, '0') }));
    }
    const type = networkFileSystemOf(folder);
    return type === null ? success(home) : failure(errors.AC_HOME_NETWORK_FS({ folder, type }));
  } catch (cause) {
    return failure(errors.AC_HOME_UNWRITABLE({ folder }, cause));
  }
}

export interface ResolveHomeOptions {
  /** Value of `--home`. */
  readonly flag?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The checkout the program lies in, if it lies in one. */
  readonly checkout?: string | undefined;
}

/**
 * Finds the home: `--home`, else `AGENTCOMPANY_HOME`, else the nearest parent of `cwd` that holds `runtime/state`, else the checkout
 * (DESIGN §2). Errors: `AC_NO_HOME` naming `init`, and those of `checkHome`.
 */
export function resolveHome(options: ResolveHomeOptions): Result<CompanyHome> {
  const variable = options.environment['AGENTCOMPANY_HOME'];
  const named = options.flag ?? (variable === '' ? undefined : variable);
  if (named !== undefined) {
    const root = path.resolve(options.cwd, named);
    if (holdsState(root)) return checkHome(homeAt(root));
    const origin = options.flag === undefined ? 'AGENTCOMPANY_HOME' : '--home';
    return failure(errors.AC_NO_HOME({ detail: `${root} (${origin}) has no runtime/state` }));
  }
  const found =
    nearestHome(options.cwd) ??
    (options.checkout !== undefined && holdsState(options.checkout) ? options.checkout : null);
  if (found === null)
    return failure(errors.AC_NO_HOME({ detail: `neither ${options.cwd} nor a folder above it has runtime/state` }));
  return checkHome(homeAt(found));
}

/** Creates `folder` with exactly `mode`, whatever the umask; an existing one keeps its mode. */
export function makeFolder(folder: string, mode: number): void {
  if (isFolder(folder)) return;
  makeFolder(path.dirname(folder), 0o755);
  try {
    mkdirSync(folder, { mode });
    chmodSync(folder, mode);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST' && isFolder(folder))) throw cause;
  }
  fsyncFolder(path.dirname(folder));
}

/** Private to the owner, but for the way to the mirrors, which the worker's user must be able to walk. */
function foldersOf(home: CompanyHome): readonly (readonly [string, number])[] {
  return [
    [path.dirname(stateFolder(home)), 0o711],
    [stateFolder(home), 0o700],
    [home.busFolder, 0o700],
    [home.runsFolder, 0o700],
    [home.quarantineFolder, 0o700],
    [home.bundlesFolder, 0o700],
    [home.checkoutsFolder, 0o700],
    [path.dirname(home.mirrorsFolder), 0o711],
    [home.mirrorsFolder, 0o755],
    [home.vaultsFolder, 0o700],
    [home.forgeFolder, 0o700],
  ];
}

/**
 * Makes a home at `root`, durably; what exists is kept, so it may be repeated after a crash and by several processes at once.
 * Errors: `AC_HOME_UNWRITABLE`, `AC_HOME_UNSAFE`, `AC_HOME_NETWORK_FS`.
 */
export function initHome(root: string): Result<CompanyHome> {
  const home = homeAt(root);
  try {
    makeFolder(home.root, 0o755);
    const type = networkFileSystemOf(home.root);
    if (type !== null) return failure(errors.AC_HOME_NETWORK_FS({ folder: home.root, type }));
    for (const [folder, mode] of foldersOf(home)) makeFolder(folder, mode);
    const checked = checkHome(home);
    if (!checked.ok) return checked;
    createFile(home.configFile, `${JSON.stringify({ version: 1 }, null, 2)}\n`);
    createInstance(home);
    createFile(home.projectsFile, `${JSON.stringify({ version: 1, projects: [] }, null, 2)}\n`);
    return success(home);
  } catch (cause) {
    return failure(errors.AC_HOME_UNWRITABLE({ folder: home.root }, cause));
  }
}

/** The uuid of this home, written once by `initHome`: containers carry it as a label. Error: `AC_HOME_DAMAGED`. */
export function instanceId({ instanceFile: file }: Pick<CompanyHome, 'instanceFile'>): Result<string> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const id = typeof value === 'object' && value !== null && 'instance_id' in value ? value.instance_id : null;
    if (typeof id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return success(id);
    return failure(errors.AC_HOME_DAMAGED({ file }, 'instance_id is not a uuid'));
  } catch (cause) {
    return failure(errors.AC_HOME_DAMAGED({ file }, cause));
  }
}

/** Gives a home its uuid unless it has one. */
export function createInstance({ instanceFile }: Pick<CompanyHome, 'instanceFile'>): void {
  createFile(instanceFile, `${JSON.stringify({ version: 1, instance_id: randomUUID() }, null, 2)}\n`);
}
