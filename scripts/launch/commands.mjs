// @ts-check
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { runForeground } from './child.mjs';
import { isRootOnDebian, prepareEngine } from './engine-setup.mjs';
import { SetupFailure } from './failure.mjs';
import { prepareImage } from './image.mjs';
import { install } from './install.mjs';
import { takeLock } from './lock.mjs';
import { readText } from './steps.mjs';

/**
 * What a command needs set up, and what it then runs (arguments of node).
 * `workers: 'where possible'` goes on without containers, and tells the tests so.
 * @typedef {{say: string, build: boolean, workers: 'no' | 'yes' | 'where possible', run: ((args: readonly string[]) => string[]) | null}} Command
 */

const cli = ['tools', 'cli', 'bin', 'agentcompany.mjs'].join('/');
const vitest = 'node_modules/vitest/vitest.mjs';

/** @type {Readonly<Record<string, Command>>} */
export const commands = {
  demo: { say: 'run the demo: one instruction in, one pull request out', build: true, workers: 'yes', run: (args) => [cli, 'demo', ...args] },
  test: { say: 'run every test this machine can run', build: true, workers: 'where possible', run: (args) => [vitest, 'run', ...args] },
  'test:unit': { say: 'run the quick tests (no container engine)', build: false, workers: 'no', run: (args) => [vitest, 'run', '--project', 'unit', ...args] },
  check: { say: 'types, lint, format, unused code', build: false, workers: 'no', run: (args) => ['scripts/check.mjs', ...args] },
  build: { say: 'build the CLI, the worker runtime and the packages', build: true, workers: 'no', run: null },
  setup: { say: 'set everything up: packages, build, container engine, worker image', build: true, workers: 'yes', run: null },
  bench: { say: 'measure, and write docs/performance.md', build: true, workers: 'where possible', run: (args) => ['--conditions=development', 'bench/main.ts', ...args] },
  requirements: { say: 'list the requirements and the tests that show them', build: true, workers: 'where possible', run: (args) => ['scripts/requirements.mjs', ...args] },
  cli: { say: 'run the agentcompany command line', build: true, workers: 'no', run: (args) => [cli, ...args] },
};

/** @returns {string} */
export function usage() {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return ['usage: node scripts/launch.mjs COMMAND [--yes] [ARGUMENTS]', ...Object.entries(commands).map(([name, { say }]) => `  ${name.padEnd(width)}  ${say}`)].join('\n');
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
  const env = await setUp(root, command, { yes, say });
  if (command.run === null) return 0;
  const line = command.run(args.filter((argument) => argument !== '--yes'));
  const script = line.find((argument) => !argument.startsWith('--')) ?? '';
  if (!existsSync(join(root, script))) throw new SetupFailure('AC_COMMAND_ABSENT', `${script} is not part of this checkout`, 'git status, git checkout -- .');
  return runForeground(process.execPath, line, { cwd: root, env });
}

/**
 * @param {string} root
 * @param {Command} command
 * @param {{yes: boolean, say: (line: string) => void}} options
 * @returns {Promise<NodeJS.ProcessEnv>} the environment to run the command in
 */
async function setUp(root, command, { yes, say }) {
  const lock = await takeLock(root, (owner) => say(`Waiting for another start (${owner}) to finish its set-up`));
  const options = { lockFd: lock.fd, say, yes, mayInstall: isRootOnDebian(readText('/etc/os-release'), process.getuid?.()), env: process.env };
  try {
    await install(root, options);
    if (command.build) await build(root, options);
    if (command.workers === 'no') return process.env;
    return await setUpWorkers(root, command, options);
  } finally {
    await lock.release();
  }
}

/**
 * @param {string} root
 * @param {Command} command
 * @param {{lockFd: number | null, say: (line: string) => void, yes: boolean, mayInstall: boolean, env: NodeJS.ProcessEnv}} options
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
async function setUpWorkers(root, command, options) {
  try {
    const engine = await prepareEngine(root, options);
    const notes = [...engine.notes, ...(await prepareImage(root, { ...options, socket: engine.socket }))];
    for (const note of notes) options.say(note);
    return { ...options.env, DOCKER_HOST: `unix://${engine.socket}` };
  } catch (error) {
    if (!(error instanceof SetupFailure) || command.workers === 'yes' || options.env['CI'] === 'true') throw error;
    options.say(error.print());
    options.say('Going on without worker containers; what is skipped for it is listed in tests/may-skip.json');
    return { ...options.env, AGENTCOMPANY_TEST_WITHOUT: 'worker-containers' };
  }
}
