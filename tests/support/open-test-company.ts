import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BusAdapter } from '@agentcompany/agent-bus';
import { planSchema, unwrap, type Plan } from '@agentcompany/protocol';
import { initHome, type CompanyHome } from '../../orchestrator/src/company-home.ts';
import type { Company } from '../../orchestrator/src/company-facade.ts';
import { loadConfig } from '../../orchestrator/src/config.ts';
import { openCompany } from '../../orchestrator/src/open-company.ts';
import { homeProofPlace } from '../../orchestrator/src/open-proof.ts';
import { addProject } from '../../orchestrator/src/projects.ts';
import { openBusStore } from './bus-stores.ts';
import { keepProof, takeProof } from './kept-proof.ts';

/** The checkout these tests lie in: where set-up put the worker runtime and the record of its image. */
export const installation = join(import.meta.dirname, '..', '..');

export interface TestCompany {
  readonly folder: string;
  readonly home: CompanyHome;
  /** A bare repository with one commit on `main`. */
  readonly repository: string;
  readonly company: Company;
  /** Closes and removes everything. */
  readonly dispose: () => Promise<void>;
}

export interface TestCompanyOptions {
  /** Files of the first commit, by path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** The store of its bus; that of the default configuration where absent. */
  readonly adapter?: BusAdapter;
  /** Where the home is made; a fresh folder where absent. */
  readonly homeFolder?: string;
  /** Where the product lies; the checkout where absent. */
  readonly installation?: string;
  /** True: the first start proves the engine of workers again, though another home of a test has. */
  readonly unproven?: boolean;
}

/** Runs git as a user would, outside the product. */
export function git(folder: string, ...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  return execFileSync('git', ['-C', folder, ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

/** A bare repository in `folder` whose `main` holds `files` in one commit. */
export function createRepository(folder: string, files: Readonly<Record<string, string>>): string {
  const checkout = `${folder}-checkout`;
  mkdirSync(checkout, { recursive: true });
  git(checkout, 'init', '-q', '-b', 'main');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(checkout, path)), { recursive: true });
    writeFileSync(join(checkout, path), text);
  }
  git(checkout, 'add', '-A');
  git(
    checkout,
    '-c',
    'user.name=Test',
    '-c',
    'user.email=test@example.com',
    'commit',
    '-q',
    '--allow-empty',
    '-m',
    'First commit',
  );
  execFileSync('git', ['clone', '-q', '--bare', checkout, folder], { stdio: 'ignore' });
  return folder;
}

/** A company in a fresh folder with project `app`. */
export async function openTestCompany(options: TestCompanyOptions = {}): Promise<TestCompany> {
  const folder = mkdtempSync(join(tmpdir(), 'agentcompany-test-'));
  const repository = createRepository(join(folder, 'app.git'), options.files ?? { 'README.md': '# App\n' });
  const home = unwrap(initHome(options.homeFolder ?? join(folder, 'home')));
  unwrap(addProject(home, { id: 'app', path: repository, cwd: folder }));
  const { recordFile } = homeProofPlace(home);
  if (options.unproven !== true) takeProof(recordFile);
  const store = options.adapter === undefined ? null : await openBusStore(options.adapter);
  if (store !== null) writeFileSync(home.configFile, JSON.stringify({ version: 1, ...store.settings }));
  const environment = { ...environmentOfEngine(), ...options.environment };
  const { config } = unwrap(loadConfig({ home, environment, flags: options.flags ?? {} }));
  const company = unwrap(
    await openCompany(home, { config, environment, installation: options.installation ?? installation }),
  );
  return {
    folder,
    home,
    repository,
    company,
    dispose: async () => {
      await company.close();
      if (options.unproven !== true) keepProof(recordFile);
      await store?.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Where the container engine is; nothing else of the environment reaches the company under test. */
export function environmentOfEngine(): Record<string, string> {
  const dockerHost = process.env['DOCKER_HOST'];
  return dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost };
}

/** A plan from its shortest form: each task a shell command. */
export function planOf(
  tasks: readonly (Partial<Plan['tasks'][number]> & {
    readonly id: string;
    readonly run: Plan['tasks'][number]['run'];
  })[],
  rest: Partial<Plan> = {},
): Plan {
  return planSchema.parse({
    title: 'A test plan',
    ...rest,
    tasks: tasks.map((task) => ({ title: `Task ${task.id}`, ...task })),
  });
}
