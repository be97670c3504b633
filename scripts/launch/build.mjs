// @ts-check
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from './child.mjs';
import { manifests } from './install.mjs';
import { cachePaths } from './paths.mjs';
import { digestOf, filesBelow, runStamped } from './steps.mjs';
import { workerNode } from './worker-node.mjs';

/** The folders whose files the bundles are made of. */
const sourceFolders = ['agent-bus', 'orchestrator', 'worker-image', 'tools'];

/**
 * The build step: bundles of the CLI, of the worker's runtime and of the packages (`scripts/build.mjs`).
 * Errors: `AC_BUILD_FAILED`.
 * @param {string} root the checkout
 * @param {{lockFd: number | null, say: (line: string) => void}} options
 * @returns {Promise<boolean>} whether anything was built
 */
export async function build(root, options) {
  const node = await workerNode(root, options);
  const sources = sourceFolders
    .flatMap((folder) => filesBelow(join(root, folder)))
    .filter((file) => !file.endsWith('.test.ts'));
  const recipes = [join(root, 'scripts', 'build.mjs'), join(root, 'package-lock.json'), ...manifests(root)];
  return runStamped({
    name: 'build',
    stamps: cachePaths(root).stamps,
    inputs: digestOf(
      root,
      [...new Set([...sources, ...recipes])],
      [node.version, process.version, process.platform, process.arch],
    ),
    present: () =>
      ['tools/cli/dist/main.js', 'worker-image/dist/runtime.mjs', 'worker-image/dist/node'].every((file) =>
        existsSync(join(root, file)),
      ),
    say: options.say,
    doing: 'Building',
    run: async () => {
      await runStep(process.execPath, [join(root, 'scripts', 'build.mjs'), '--worker-node', node.binary], {
        cwd: root,
        lockFd: options.lockFd,
        code: 'AC_BUILD_FAILED',
      });
    },
  });
}
