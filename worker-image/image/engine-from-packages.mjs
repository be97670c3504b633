// @ts-check
// The image of the inner engine of docker-in-docker, from a Debian or Ubuntu system's own packages: writes the root file
// system as a tar archive that an engine imports. Needs root and mmdebstrap. It holds nothing of ours: what it runs is given
// with the container.
//   node engine-from-packages.mjs OUTPUT.tar
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { codeName, hostSources, mainSources, unwanted } from './from-packages.mjs';

/** Beside the system's essential packages: the engine, and what mounts control groups for it. */
export const packages = ['docker.io', 'mount'];

/**
 * The arguments of mmdebstrap.
 * @param {{output: string, suite: string, sources: readonly string[]}} options
 * @returns {string[]}
 */
export function bootstrapArguments({ output, suite, sources }) {
  return [
    '--variant=essential',
    `--include=${packages.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    ...unwanted,
    '--customize-hook=rm -rf "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d" "$1/etc/resolv.conf" "$1/etc/hostname" "$1/var/lib/apt/lists"',
    '--format=tar',
    suite,
    output,
    ...sources,
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [output] = process.argv.slice(2);
  if (output === undefined) {
    process.stderr.write('usage: engine-from-packages.mjs OUTPUT.tar\n');
    process.exit(2);
  }
  const suite = codeName(readFileSync('/etc/os-release', 'utf8'));
  const sources = mainSources(hostSources(), suite);
  const child = spawn('mmdebstrap', bootstrapArguments({ output, suite, sources }), { stdio: 'inherit' });
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('close', (status) => {
    process.exitCode = status ?? 1;
  });
}
