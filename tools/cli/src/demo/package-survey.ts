import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { demoErrors } from './errors.ts';

/** What the plan must know of a package. */
export interface PackageSurvey {
  readonly readme: string;
  readonly changelog: string;
}

async function readManifest(folder: string): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

function problemOf(manifest: Readonly<Record<string, unknown>> | null, sourceCount: number): string | null {
  if (manifest === null) return 'its package.json cannot be read';
  if (sourceCount === 0) return 'it has no JavaScript file';
  const { dependencies, license } = manifest;
  const count = typeof dependencies === 'object' && dependencies !== null ? Object.keys(dependencies).length : 0;
  if (typeof license !== 'string' || !/^[A-Za-z0-9.+() -]+$/.test(license))
    return 'its package.json names no license (SPDX)';
  // A worker has no network: what the package needs could not be installed there, and the package not be imported.
  return count > 0 ? `it has ${count} dependencies, which a worker without a network cannot install` : null;
}

/** Looks at an unpacked package without running anything of it. Error: `AC_DEMO_PACKAGE_UNSUITABLE`. */
export async function surveyPackage(id: string, folder: string): Promise<Result<PackageSurvey>> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const top = files
    .filter((entry) => entry.parentPath === folder)
    .map((entry) => entry.name)
    .toSorted();
  const sourceCount = files.filter((entry) => /\.[cm]?js$/.test(entry.name)).length;
  const problem = problemOf(await readManifest(folder), sourceCount);
  if (problem !== null) return failure(demoErrors.AC_DEMO_PACKAGE_UNSUITABLE({ package: id, problem }));
  return success({
    readme: top.find((name) => /^readme(\.md|\.markdown)?$/i.test(name)) ?? 'README.md',
    changelog: top.find((name) => /^(changelog|history|changes)\.(md|markdown)$/i.test(name)) ?? 'CHANGELOG.md',
  });
}
