import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { failure, success, type Result } from '@agentcompany/protocol';
import { orchestratorErrors as errors } from './errors.ts';

const run = promisify(execFile);

/** `merge-tree --write-tree` came with 2.38. */
const minimumGit = '2.38.0';
const timeoutMilliseconds = 10_000;

/**
 * The support floor: the first version of each series with the fixes of July 2025 (CVE-2025-48384 and those beside it), as upstream's
 * announcement of 2.50.1 lists them.
 */
const floors: Readonly<Record<string, number>> = {
  '2.43': 7,
  '2.44': 4,
  '2.45': 4,
  '2.46': 4,
  '2.47': 3,
  '2.48': 2,
  '2.49': 1,
  '2.50': 1,
};
const newestFloor = '2.50';

/** Packages that have the fixes under an older number: what stands before a distribution's own count, and the first count that has them. */
const patchedPackages: readonly (readonly [RegExp, number])[] = [
  [/^(?:\d+:)?2\.39\.5-0\+deb12u(\d+)/, 3],
  [/^(?:\d+:)?2\.43\.0-1ubuntu7\.(\d+)/, 3],
];
const fixedName = 'CVE-2025-48384';

/** What is known of the git of this machine. */
export interface GitVersion {
  readonly version: string;
  /** What a person should know; null: it has the fixes of the support floor (S33). */
  readonly warning: string | null;
}

/** True where version `found` (digits parted by dots) is `minimum` or later. */
export function isAtLeast(found: string, minimum: string): boolean {
  const [left, right] = [found, minimum].map((version) => version.split('.').map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Reads what `git --version` printed. Errors: `AC_GIT_ABSENT`, `AC_GIT_TOO_OLD`. */
export function checkGitVersion(printed: string): Result<string> {
  const version = /^git version (\d+\.\d+(?:\.\d+)?)/.exec(printed)?.[1];
  if (version === undefined) return failure(errors.AC_GIT_ABSENT({ minimum: minimumGit }, printed.slice(0, 200)));
  return isAtLeast(version, minimumGit)
    ? success(version)
    : failure(errors.AC_GIT_TOO_OLD({ version, minimum: minimumGit }));
}

/** Whether this version, or the distribution's package of it (null: none is known), has the fixes of the support floor. */
export function hasFixes(version: string, packaged: string | null): boolean {
  const [major = '0', minor = '0', patch = '0'] = version.split('.');
  const series = `${major}.${minor}`;
  const floor = floors[series];
  if (floor === undefined ? isAtLeast(version, `${newestFloor}.999`) : Number(patch) >= floor) return true;
  if (packaged === null) return false;
  if (packaged.includes(fixedName)) return true;
  return patchedPackages.some(([form, first]) => Number(form.exec(packaged)?.[1] ?? 0) >= first);
}

/** The package git is of: Debian's version of it, or of RPM its list of changes, where a fix is named. */
async function packageOfGit(): Promise<string | null> {
  const options = { timeout: timeoutMilliseconds, maxBuffer: 16 * 1024 * 1024 };
  for (const [program, ...words] of [
    ['dpkg-query', '-W', '-f=${Version}', 'git'],
    ['rpm', '-q', '--changelog', 'git'],
  ] as const) {
    const said = await run(program, words, options).catch(() => null);
    if (said !== null) return said.stdout;
  }
  return null;
}

/** The git of this machine. Errors: `AC_GIT_ABSENT`, `AC_GIT_TOO_OLD`. */
export async function readGitVersion(): Promise<Result<GitVersion>> {
  let printed: string;
  try {
    printed = (await run('git', ['--version'], { timeout: timeoutMilliseconds })).stdout;
  } catch (cause) {
    return failure(errors.AC_GIT_ABSENT({ minimum: minimumGit }, cause));
  }
  const version = checkGitVersion(printed);
  if (!version.ok) return version;
  const isFixed = hasFixes(version.value, null) || hasFixes(version.value, await packageOfGit());
  return success({ version: version.value, warning: isFixed ? null : warningOf(version.value) });
}

/** What a person is told of a git that is below the support floor. */
function warningOf(version: string): string {
  return `git ${version} lacks known security fixes (${fixedName}): update it (${newestFloor}.1, or your distribution's security update)`;
}
