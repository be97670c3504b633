// @ts-check
import { bringNode, isNewEnough, nodePackages } from './node.mjs';
import { cachePaths } from './paths.mjs';

/**
 * The Node that runs inside workers: this one where it runs on any glibc system by itself, else the one that can be
 * brought. (A distribution's Node needs the distribution's libraries; macOS's is no Linux program.)
 * @param {string} root
 * @param {{lockFd: number | null, say: (line: string) => void}} options
 * @returns {Promise<{binary: string, version: string}>} version without `v`
 */
export async function workerNode(root, options) {
  if (process.platform === 'linux' && isNewEnough(process.version) && isSelfContained(process)) {
    return { binary: process.execPath, version: process.versions.node };
  }
  const platform = `linux-${process.arch}`;
  const { node, workerNode: other } = cachePaths(root);
  const binary = await bringNode(root, { ...options, platform, folder: process.platform === 'linux' ? node : other });
  return { binary, version: nodePackages[platform]?.version ?? '' };
}

/**
 * Whether a Node links all of its own libraries in and is built for glibc.
 * @param {Pick<NodeJS.Process, 'config' | 'report'>} node
 * @returns {boolean}
 */
function isSelfContained(node) {
  const shared = Object.entries(node.config.variables).some(
    ([name, value]) => name.startsWith('node_shared') && (value === true || value === 'true'),
  );
  const header = /** @type {{header?: {glibcVersionRuntime?: string}}} */ (node.report.getReport()).header;
  return !shared && header?.glibcVersionRuntime !== undefined;
}
