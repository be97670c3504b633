// @ts-check
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { runForeground } from './child.mjs';
import { wantsRootless } from './engine.mjs';
import { isRootOnDebian, prepareEngine } from './engine-setup.mjs';
import { setupFailure } from './errors.mjs';
import { SetupFailure } from './failure.mjs';
import { prepareImage } from './image.mjs';
import { install } from './install.mjs';
import { takeLock } from './lock.mjs';
import { cachePaths } from './paths.mjs';
import { readText } from './steps.mjs';

/**
 * Whether a command needs containers for workers. `where possible` goes on without them, and tells the tests so.
 * @typedef {'no' | 'yes' | 'where possible'} Workers
 *
 * What a command needs set up, and what it then runs (arguments of node): in the checkout, or `here`, where it was called.
 * `done` is said at the end of a set-up.
 * @typedef {{say: string, build: boolean, workers: (args: readonly string[]) => Workers, run: ((args: readonly string[]) => string[]) | null, here?: true, done?: (root: string) => string}} Command
 */

const cli = ['tools', 'cli', 'bin', 'agentcompany.mjs'].join('/');
const vitest = 'node_modules/vitest/vitest.mjs';

const never = () => /** @type {const} */ ('no');
const always = () => /** @type {const} */ ('yes');
const wherePossible = () => /** @type {const} */ ('where possible');

/** @param {readonly string[]} args */
const asksForHelp = (args) => args.includes('--help') || args.includes('-h');

/**
 * Whether a benchmark of these groups starts containers. All groups are measured where none is named.
 * @param {readonly string[]} args
 */
const measuresContainers = (args) =>
  !asksForHelp(args) &&
  (['containers', 'engine'].some((group) => args.includes(group)) ||
    !['bus', 'cli'].some((group) => args.includes(group)));

/** @type {Readonly<Record<string, Command>>} */
export const commands = {
  'demo': {
    say: 'run the demo: one instruction in, one pull request out',
    build: true,
    workers: (args) => (asksForHelp(args) ? 'no' : 'yes'),
    run: (args) => [cli, 'demo', ...args],
  },
  'test': {
    say: 'run every test this machine can run',
    build: true,
    workers: wherePossible,
    run: (args) => [vitest, 'run', ...args],
  },
  'test:unit': {
    say: 'run the quick tests (no container engine)',
    build: false,
    workers: never,
    run: (args) => [vitest, 'run', '--project', 'unit', ...args],
  },
  'check': {
    say: 'types, lint, format, unused code',
    build: false,
    workers: never,
    run: (args) => ['scripts/check.mjs', ...args],
  },
  'build': { say: 'build the CLI, the worker runtime and the packages', build: true, workers: never, run: null },
  'setup': {
    say: 'set everything up: packages, build, container engine, worker image',
    build: true,
    workers: always,
    run: null,
    done: (root) => `Ready. For the command line: export PATH="$PATH:${join(root, 'node_modules', '.bin')}"`,
  },
  'bench': {
    say: 'measure, and write docs/performance.md',
    build: true,
    workers: (args) => (measuresContainers(args) ? 'where possible' : 'no'),
    run: (args) => ['--conditions=development', 'bench/main.ts', ...args],
  },
  'soak': {
    say: 'thousands of tasks with an engine that is killed time and again, on each bus',
    build: true,
    workers: never,
    run: (args) => ['--conditions=development', 'tests/soak/main.ts', ...args],
  },
  'requirements': {
    say: 'list the requirements and the tests that show them',
    build: true,
    workers: (args) => (args.includes('--mutate') ? 'where possible' : 'no'),
    run: (args) => ['scripts/requirements.mjs', ...args],
  },
  'cli': {
    say: 'run the agentcompany command line where it is called',
    build: true,
    workers: never,
    run: (args) => [cli, ...args],
    here: true,
  },
};

/** @returns {string} */
export function usage() {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return [
    'usage: node scripts/launch.mjs COMMAND [--yes] [ARGUMENTS]',
    ...Object.entries(commands).map(([name, { say }]) => `  ${name.padEnd(width)}  ${say}`),
  ].join('\n');
}

/**
 * Sets up what the command needs, under the lock, then runs it. Errors: those of the steps.
 * @param {string} root the checkout
 * @param {Command} command
 * @param {readonly string[]} args
 * @param {(line: string) => void} say
 * @returns {Promise<number>} the exit code
 */
export async function runCommand(root, command, args, say) {
  const yes = args.includes('--yes');
  const env = plainWithoutTerminal(await setUp(root, command, { yes, say, workers: command.workers(args) }));
  if (command.done !== undefined) say(command.done(root));
  if (command.run === null) return 0;
  const line = command.run(args.filter((argument) => argument !== '--yes'));
  const script = line.find((argument) => !argument.startsWith('--')) ?? '';
  if (!existsSync(join(root, script))) throw setupFailure('AC_COMMAND_ABSENT', { file: script });
  if (command.here) {
    const [program = '', ...rest] = line;
    return runForeground(process.execPath, [join(root, program), ...rest], { cwd: process.cwd(), env });
  }
  return runForeground(process.execPath, line, { cwd: root, env });
}

/**
 * @param {string} root
 * @param {Command} command
 * @param {{yes: boolean, say: (line: string) => void, workers: Workers}} options
 * @returns {Promise<NodeJS.ProcessEnv>} the environment to run the command in
 */
async function setUp(root, command, { yes, say, workers }) {
  const lock = await takeLock(root, (owner) => say(`Waiting for another start (${owner}) to finish its set-up`));
  const options = {
    lockFd: lock.fd,
    say,
    yes,
    mayInstall: isRootOnDebian(readText('/etc/os-release'), process.getuid?.()),
    env: process.env,
  };
  try {
    removeLeftovers(root);
    await install(root, options);
    if (command.build) await build(root, options);
    return workers === 'no' ? process.env : await setUpWorkers(root, workers, options);
  } finally {
    await lock.release();
  }
}

/**
 * @param {string} root
 * @param {Workers} workers not `no`
 * @param {{lockFd: number | null, say: (line: string) => void, yes: boolean, mayInstall: boolean, env: NodeJS.ProcessEnv}} options
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
async function setUpWorkers(root, workers, options) {
  try {
    const engine = await prepareEngine(root, options);
    const notes = [...engine.notes, ...(await prepareImage(root, { ...options, socket: engine.socket }))];
    for (const note of notes) options.say(note);
    const address = `unix://${engine.socket}`;
    return { ...options.env, ...(wantsRootless(options.env) ? { CONTAINER_HOST: address } : { DOCKER_HOST: address }) };
  } catch (error) {
    if (!(error instanceof SetupFailure) || workers === 'yes' || options.env['CI'] === 'true') throw error;
    options.say(error.print());
    options.say('Going on without worker containers; what is skipped for it is listed in tests/may-skip.json');
    return { ...options.env, AGENTCOMPANY_TEST_WITHOUT: 'worker-containers' };
  }
}

/**
 * Removes the working folders of steps that were killed. Under the lock, so nobody works in one.
 * @param {string} root
 */
function removeLeftovers(root) {
  const { cache } = cachePaths(root);
  const names = existsSync(cache) ? readdirSync(cache) : [];
  for (const name of names.filter((entry) => /^(fetch|image)-/.test(entry))) {
    rmSync(join(cache, name), { recursive: true, force: true });
  }
}

/**
 * Output that goes to a file or a pipe carries no colours (some tools colour it wherever CI is set).
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
function plainWithoutTerminal(env) {
  return process.stdout.isTTY || env['FORCE_COLOR'] !== undefined ? env : { ...env, NO_COLOR: '1' };
}
