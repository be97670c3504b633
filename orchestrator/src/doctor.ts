import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import { checkHome, instanceId, stateFolder, type CompanyHome } from './company-home.ts';
import { orchestratorErrors as errors } from './errors.ts';
import { listProjects } from './projects.ts';

/** One link of the chain a run needs. `run` says in a few words what was found, or fails with the remedy. */
export interface Check {
  readonly id: string;
  readonly title: string;
  run(): Promise<Result<string>>;
}

export interface CheckReport {
  readonly id: string;
  readonly title: string;
  readonly ok: boolean;
  /** What was found; of a failure its message. */
  readonly detail: string;
  readonly error: AppError | null;
}

const minimumNode = '24.12.0';
/** `merge-tree --write-tree` came with 2.38. */
const minimumGit = '2.38.0';
const gitTimeoutMilliseconds = 10_000;

/** True where version `found` (digits parted by dots) is `minimum` or later. */
export function isAtLeast(found: string, minimum: string): boolean {
  const [left, right] = [found, minimum].map((version) => version.split('.').map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Error: `AC_NODE_UNSUPPORTED`. */
export function checkNode(version: string): Result<string> {
  return isAtLeast(version, minimumNode)
    ? success(version)
    : failure(errors.AC_NODE_UNSUPPORTED({ version, minimum: minimumNode }));
}

/** Reads what `git --version` printed. Errors: `AC_GIT_ABSENT`, `AC_GIT_TOO_OLD`. */
export function checkGitVersion(printed: string): Result<string> {
  const version = /^git version (\d+\.\d+(?:\.\d+)?)/.exec(printed)?.[1];
  if (version === undefined) return failure(errors.AC_GIT_ABSENT({ minimum: minimumGit }, printed.slice(0, 200)));
  return isAtLeast(version, minimumGit)
    ? success(version)
    : failure(errors.AC_GIT_TOO_OLD({ version, minimum: minimumGit }));
}

async function checkGit(): Promise<Result<string>> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], { timeout: gitTimeoutMilliseconds });
    return checkGitVersion(stdout);
  } catch (cause) {
    return failure(errors.AC_GIT_ABSENT({ minimum: minimumGit }, cause));
  }
}

/** Writes and fsyncs a probe in the state folder. Errors: `AC_HOME_UNWRITABLE`, those of `checkHome`, `AC_HOME_DAMAGED`. */
function checkHomeFolder(home: CompanyHome): Result<string> {
  const safe = checkHome(home);
  if (!safe.ok) return safe;
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const probe = path.join(stateFolder(home), `.probe-${randomUUID()}`);
  try {
    const descriptor = openSync(probe, 'wx', 0o600);
    try {
      writeFileSync(descriptor, 'probe');
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
      rmSync(probe, { force: true });
    }
    return success(home.root);
  } catch (cause) {
    return failure(errors.AC_HOME_UNWRITABLE({ folder: stateFolder(home) }, cause));
  }
}

function checkProjects(home: CompanyHome): Result<string> {
  const projects = listProjects(home);
  if (!projects.ok) return projects;
  return success(projects.value.length === 1 ? '1 project' : `${projects.value.length} projects`);
}

/** The checks that need no container engine, in the order in which one stands on the other. */
export function basicChecks(home: CompanyHome): readonly Check[] {
  return [
    { id: 'node', title: 'Node', run: async () => checkNode(process.versions.node) },
    { id: 'git', title: 'git', run: checkGit },
    { id: 'home', title: 'company home', run: async () => checkHomeFolder(home) },
    { id: 'projects', title: 'projects', run: async () => checkProjects(home) },
  ];
}

/** Runs checks one after the other and hands each report over as it comes. */
export async function runChecks(
  checks: readonly Check[],
  onReport: (report: CheckReport) => void,
): Promise<readonly CheckReport[]> {
  const reports: CheckReport[] = [];
  for (const check of checks) {
    const { id, title } = check;
    const result = await check.run();
    const report = {
      id,
      title,
      ok: result.ok,
      detail: result.ok ? result.value : result.error.message,
      error: result.ok ? null : result.error,
    };
    reports.push(report);
    onReport(report);
  }
  return reports;
}
