#!/usr/bin/env node
// @ts-check
// The `agentcompany` program: loads the built CLI, under the checkout's own Node where this one is too old.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const checkout = new URL('../../../', import.meta.url);
const bundle = new URL('../dist/main.js', import.meta.url);
const brought = fileURLToPath(new URL(`.cache/node/bin/node${process.platform === 'win32' ? '.exe' : ''}`, checkout));

/** @param {string} code @param {string} message @param {string} remedy */
function refuse(code, message, remedy) {
  process.stderr.write(`error ${code}: ${message}\n  remedy: Run \`${remedy}\`.\n`);
  process.exitCode = 4;
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 24 || (major === 24 && minor >= 12)) {
  if (!existsSync(bundle))
    refuse(
      'AC_NOT_BUILT',
      'the command line is not built yet',
      `node ${fileURLToPath(new URL('scripts/launch.mjs', checkout))} build`,
    );
  else {
    nodeModule.enableCompileCache?.(fileURLToPath(new URL('.cache/compile', checkout)));
    await import(bundle.href);
  }
} else if (existsSync(brought)) {
  // A terminal's Ctrl-C reaches both processes; this one only passes on how the other ended.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => {});
  const ended = spawnSync(brought, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = ended.status ?? 1;
} else {
  refuse(
    'AC_NODE_TOO_OLD',
    `this is Node ${process.version}, 24.12 or newer is needed`,
    `node ${fileURLToPath(new URL('scripts/launch.mjs', checkout))} setup`,
  );
}
