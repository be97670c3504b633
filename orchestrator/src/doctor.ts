import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import { checkHome, instanceId, stateFolder, type CompanyHome } from './company-home.ts';
import { orchestratorErrors as errors } from './errors.ts';
import { isAtLeast, readGitVersion } from './git-version.ts';
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
/** Error: `AC_NODE_UNSUPPORTED`. */
export function checkNode(version: string): Result<string> {
  return isAtLeast(version, minimumNode)
    ? success(version)
    : failure(errors.AC_NODE_UNSUPPORTED({ version, minimum: minimumNode }));
}

/** A git below the support floor is named, and used: the host never checks out, where such holes are. */
async function checkGit(): Promise<Result<string>> {
  const git = await readGitVersion();
  if (!git.ok) return git;
  const { version, warning } = git.value;
  return success(warning === null ? version : `WARNING: ${warning}`);
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
