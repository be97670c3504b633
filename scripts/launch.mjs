#!/usr/bin/env node
// @ts-check
// Starts everything in this checkout: `node scripts/launch.mjs COMMAND [ARGUMENTS]`. No dependency, Node 18 syntax.
// Finds or brings a Node new enough, goes on under it, sets up what the command needs, runs the command.
import { runForeground } from './launch/child.mjs';
import { commands, runCommand, usage } from './launch/commands.mjs';
import { SetupFailure } from './launch/failure.mjs';
import { takeLock } from './launch/lock.mjs';
import { bringNode, findNpm, isNewEnough } from './launch/node.mjs';
import { checkout } from './launch/paths.mjs';
import { fileURLToPath } from 'node:url';

/** @param {string} line */
const say = (line) => void process.stderr.write(`${line}\n`);

/**
 * Runs this script again under a Node that is new enough.
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
async function goOnUnderNewerNode(args) {
  const lock = await takeLock(checkout, (owner) => say(`Waiting for another start (${owner}) to finish its set-up`));
  /** @type {string} */
  let node;
  try {
    node = await bringNode(checkout, { lockFd: lock.fd, say });
  } finally {
    await lock.release();
  }
  const env = {
    ...process.env,
    AGENTCOMPANY_STARTED_BY: process.execPath,
    npm_execpath: findNpm(process.env, process.execPath),
  };
  return runForeground(node, [fileURLToPath(import.meta.url), ...args], { cwd: process.cwd(), env });
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code: the command's own, 2 for a wrong call, 4 where the set-up failed
 */
async function main(args) {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    say(usage());
    return name === '' || name === '--help' ? 0 : 2;
  }
  if (!isNewEnough(process.version)) return goOnUnderNewerNode(args);
  return runCommand(checkout, command, rest, say);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  say(error.print());
  process.exitCode = error.exitCode;
}
