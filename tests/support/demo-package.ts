import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap, type Plan } from '@agentcompany/protocol';
import { demoPlan } from '../../tools/cli/src/demo/demo-plan.ts';
import { makeRepository } from '../../tools/cli/src/demo/make-repository.ts';
import { fetchPackage } from '../../tools/cli/src/demo/package-cache.ts';
import { parsePackageName } from '../../tools/cli/src/demo/package-name.ts';
import { surveyPackage } from '../../tools/cli/src/demo/package-survey.ts';
import { unpack } from '../../tools/cli/src/demo/unpack.ts';
import { git } from './open-test-company.ts';

export interface DemoPackage {
  readonly repository: string;
  readonly plan: Plan;
  /** Carries a task's script out in the repository, as a worker would, and commits; returns whether anything changed. */
  work(task: string, feedback?: string): boolean;
  /** Runs a task's own checks; the output of the first that is red, or null. */
  verify(task: string): string | null;
  dispose(): void;
}

/** A published package as the demo prepares it, and its plan. */
export async function openDemoPackage(id: string, withFlaw = true): Promise<DemoPackage> {
  const folder = mkdtempSync(join(tmpdir(), 'demo-package-'));
  const repository = join(folder, 'repository');
  const name = unwrap(parsePackageName(id));
  const environment = process.env;
  const { signal } = new AbortController();
  const { file } = unwrap(await fetchPackage(name, { cacheFolder: join(folder, 'cache'), environment, signal }));
  unwrap(await unpack(id, file, repository));
  const survey = unwrap(await surveyPackage(id, repository));
  unwrap(await makeRepository({ folder: repository, message: id, environment, signal }));
  const scriptsFolder = join(import.meta.dirname, '..', '..', 'tools', 'cli', 'src', 'demo', 'scripts');
  const plan = await demoPlan({ name, survey, scriptsFolder, withFlaw });
  const taskOf = (task: string): Plan['tasks'][number] => {
    const found = plan.tasks.find((candidate) => candidate.id === task);
    if (found === undefined) throw new Error(`no task ${task}`);
    return found;
  };
  return {
    repository,
    plan,
    work: (task, feedback) => {
      const { run, title } = taskOf(task);
      const script = join(folder, 'script.mjs');
      writeFileSync(script, run !== undefined && 'script' in run ? run.script : '');
      const env: NodeJS.ProcessEnv = { ...process.env };
      delete env['AGENTCOMPANY_FEEDBACK'];
      if (feedback !== undefined) {
        env['AGENTCOMPANY_FEEDBACK'] = join(folder, 'feedback.json');
        writeFileSync(
          env['AGENTCOMPANY_FEEDBACK'],
          JSON.stringify({ reason: 'failed', message: '', findings: [{ rule: '', path: null, message: feedback }] }),
        );
      }
      execFileSync(process.execPath, [script], { cwd: repository, env });
      git(repository, 'add', '-A');
      const changed = git(repository, 'status', '--porcelain') !== '';
      if (changed)
        git(repository, '-c', 'user.name=Test', '-c', 'user.email=test@example.com', 'commit', '-q', '-m', title);
      return changed;
    },
    verify: (task) => {
      for (const command of taskOf(task).verify) {
        try {
          execFileSync('sh', ['-c', command], { cwd: repository, encoding: 'utf8', stdio: 'pipe' });
        } catch (cause) {
          return cause instanceof Error && 'stdout' in cause ? String(cause.stdout) : String(cause);
        }
      }
      return null;
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** An empty folder for a demo of its own; `dispose` removes it. */
export function demoRoot(): { readonly root: string; readonly dispose: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'demo-root-'));
  mkdirSync(root, { recursive: true });
  return { root, dispose: () => rmSync(root, { recursive: true, force: true }) };
}
