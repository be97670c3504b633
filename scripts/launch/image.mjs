// @ts-check
import { spawn } from 'node:child_process';
import { createReadStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable, runStep } from './child.mjs';
import { wantsRootless } from './engine.mjs';
import { answerMessage, callEngine, streamedError } from './engine-http.mjs';
import { setupFailure } from './errors.mjs';
import { consent, installPackages, isDebian, removalNotes, systemPath } from './engine-setup.mjs';
import { messageOf } from './failure.mjs';
import { cachePaths } from './paths.mjs';
import { digestOf, readText, writeDurably } from './steps.mjs';
import { workerNode } from './worker-node.mjs';

const repository = 'agentcompany-worker';

/** What an image is made of; a change of one of them makes another image. */
const recipeFiles = ['Dockerfile', 'from-packages.mjs', 'gitconfig'];

/**
 * The worker image: there already, or built with the engine where an image registry can be reached, or made of the
 * distribution's packages. Its record is `.cache/worker-image.json`: `{reference, id, recipe}`.
 * Errors: `AC_IMAGE_UNAVAILABLE`, which names both ways.
 * @param {string} root the checkout
 * @param {{socket: string, env: NodeJS.ProcessEnv, yes: boolean, mayInstall: boolean, lockFd: number | null, say: (line: string) => void}} options
 * @returns {Promise<string[]>} notes: what was installed on the way
 */
export async function prepareImage(root, options) {
  const node = await workerNode(root, options);
  const folder = join(root, 'worker-image', 'image');
  const recipe = digestOf(
    folder,
    recipeFiles.map((name) => join(folder, name)),
    [node.version, process.arch],
  );
  const reference = `${repository}:${recipe.slice(0, 16)}`;
  const { workerImage, imagesMade } = cachePaths(root, wantsRootless(options.env));
  const present = await imageId(options.socket, reference);
  if (present !== null) {
    record(workerImage, { reference, id: present, recipe });
    return [];
  }
  rmSync(workerImage, { force: true });
  /** @type {string[]} */
  const notes = [];
  const refused = await buildWithRegistry(folder, reference, node.version, options);
  if (refused !== null) {
    options.say(`No image registry could be used: ${refused}`);
    notes.push(...(await buildFromPackages(root, { reference, node, refused }, options)));
  }
  const id = await imageId(options.socket, reference);
  if (id === null) throw unavailable(reference, node.version, 'the engine does not have the image it has just made');
  record(workerImage, { reference, id, recipe });
  recordMade(imagesMade, { reference, id });
  return notes;
}

/**
 * @param {string} file
 * @param {{reference: string, id: string, recipe: string}} image
 */
function record(file, image) {
  const text = `${JSON.stringify(image, null, 2)}\n`;
  if (readText(file) !== text) writeDurably(file, text);
}

/**
 * Puts an image on the record of those that this checkout made (orchestrator/src/made-images.ts): only they are ever pruned.
 * @param {string} file
 * @param {{reference: string, id: string}} image
 */
function recordMade(file, image) {
  /** @type {{reference: string, id: string}[]} */
  let images = [];
  try {
    images = JSON.parse(readText(file) ?? '').images;
  } catch {
    // There is none yet, or it is damaged: what it held is no longer provably ours.
  }
  // Another engine of this machine may have another image of the same name.
  const others = images.filter(({ reference, id }) => reference !== image.reference || id !== image.id);
  writeDurably(file, `${JSON.stringify({ version: 1, images: [...others, image] }, null, 2)}\n`);
}

/**
 * @param {string} socket
 * @param {string} reference
 * @returns {Promise<string | null>} `sha256:…`, or null where the engine has no such image
 */
async function imageId(socket, reference) {
  const answer = await callEngine(socket, { method: 'GET', path: `/images/${reference}/json` });
  if (answer.status !== 200) return null;
  const id = JSON.parse(answer.body).Id;
  return typeof id === 'string' ? id : null;
}

/**
 * @param {string} folder
 * @param {string} reference
 * @param {string} nodeVersion without `v`
 * @param {{socket: string, say: (line: string) => void}} options
 * @returns {Promise<string | null>} why it could not be, in one line; null where it was built
 */
async function buildWithRegistry(folder, reference, nodeVersion, { socket, say }) {
  say(`Building the worker image ${reference}`);
  const query = new URLSearchParams({
    t: reference,
    rm: '1',
    forcerm: '1',
    buildargs: JSON.stringify({ NODE_VERSION: nodeVersion }),
  });
  // The API, not the docker program: Debian's docker.io comes without the program since trixie.
  const context = spawn('tar', ['-C', folder, '-cf', '-', 'Dockerfile', 'gitconfig'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const answer = await callEngine(socket, {
      method: 'POST',
      path: `/build?${query}`,
      contentType: 'application/x-tar',
      body: context.stdout,
      quietMs: 120_000,
    });
    const error = answer.status === 200 ? streamedError(answer.body) : answerMessage(answer);
    return error === null ? null : (error.split('\n')[0] ?? error);
  } catch (error) {
    return messageOf(error);
  } finally {
    context.kill();
  }
}

/**
 * @param {string} root
 * @param {{reference: string, node: {binary: string, version: string}, refused: string}} image
 * @param {{socket: string, env: NodeJS.ProcessEnv, yes: boolean, mayInstall: boolean, lockFd: number | null, say: (line: string) => void}} options
 * @returns {Promise<string[]>} notes
 */
async function buildFromPackages(root, { reference, node, refused }, { socket, env, yes, mayInstall, lockFd, say }) {
  const missing = findExecutable('mmdebstrap', systemPath(env)) === null ? ['mmdebstrap'] : [];
  // mmdebstrap works for a plain user too, in a user name space; installing it does not.
  if (!mayInstall && (missing.length > 0 || !isDebian(readText('/etc/os-release'))))
    throw unavailable(reference, node.version, refused);
  if (missing.length > 0) {
    await consent("The worker image is made from this system's packages", missing, { yes, say });
    await installPackages(missing, { env, lockFd, say });
  }
  say("Making it from this system's packages (mmdebstrap)");
  const { cache } = cachePaths(root);
  mkdirSync(cache, { recursive: true });
  const room = mkdtempSync(join(cache, 'image-'));
  try {
    const archive = join(room, 'rootfs.tar');
    await runStep(process.execPath, [join(root, 'worker-image', 'image', 'from-packages.mjs'), node.binary, archive], {
      cwd: room,
      env: { ...env, PATH: systemPath(env) },
      lockFd,
      code: 'AC_IMAGE_UNAVAILABLE',
      parameters: { reference, version: node.version },
    });
    const error = await importArchive(socket, archive, reference);
    if (error !== null) throw unavailable(reference, node.version, `the engine refused the image: ${error}`);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
  return removalNotes(missing);
}

/**
 * @param {string} socket
 * @param {string} archive
 * @param {string} reference
 * @returns {Promise<string | null>} why the engine refused it, or null
 */
async function importArchive(socket, archive, reference) {
  // The whole reference as `repo`: Podman overlooks `tag`.
  const query = new URLSearchParams({ fromSrc: '-', repo: reference, changes: 'USER 10001:10001' });
  const call = {
    method: 'POST',
    path: `/images/create?${query}`,
    contentType: 'application/x-tar',
    body: createReadStream(archive),
    quietMs: 120_000,
  };
  const answer = await callEngine(socket, call);
  return answer.status === 200 ? streamedError(answer.body) : answerMessage(answer);
}

/**
 * @param {string} reference
 * @param {string} nodeVersion
 * @param {string} detail
 */
function unavailable(reference, nodeVersion, detail) {
  return setupFailure('AC_IMAGE_UNAVAILABLE', { reference, version: nodeVersion }, detail);
}
