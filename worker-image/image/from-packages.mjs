// @ts-check
// The worker image from a Debian or Ubuntu system's own packages, where no image registry can be reached: writes the
// root file system as a tar archive that an engine imports. Needs root and mmdebstrap. Keep it like the Dockerfile.
//   node from-packages.mjs NODE_BINARY OUTPUT.tar
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Beside the system's essential packages: what a clone and a Node need. */
export const packages = ['git', 'ca-certificates', 'libstdc++6'];

/** Shell lines run on the finished tree, `$1`. They leave no setuid file, no host's name and no package sources. */
const finish = [
  'chmod 0755 "$1/usr/local/bin/node" && chmod 0644 "$1/etc/gitconfig"',
  'echo "worker:x:10001:10001::/workspace/home:/bin/sh" >> "$1/etc/passwd"',
  'echo "worker:x:10001:" >> "$1/etc/group"',
  'mkdir -p "$1/opt/worker" "$1/workspace" "$1/mirror.git"',
  'rm -rf "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d" "$1/etc/resolv.conf" "$1/etc/hostname"',
  'find "$1" -xdev -perm /6000 -exec chmod ug-s {} +',
];

/** Options that leave out what only people read. */
export const unwanted = ['man', 'doc', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);

/**
 * The arguments of mmdebstrap.
 * @param {{node: string, gitconfig: string, output: string, suite: string, sources: readonly string[]}} options
 * @returns {string[]}
 */
export function bootstrapArguments({ node, gitconfig, output, suite, sources }) {
  return [
    '--variant=essential',
    `--include=${packages.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    ...unwanted,
    `--customize-hook=upload ${node} /usr/local/bin/node`,
    `--customize-hook=upload ${gitconfig} /etc/gitconfig`,
    ...finish.map((line) => `--customize-hook=${line}`),
    '--format=tar',
    suite,
    output,
    ...sources,
  ];
}

/**
 * The host's own main sources for its release and its updates, as one-line entries, so that mirror, proxy and keys are
 * those the machine uses; foreign sources are left out. Reads both the one-line and the deb822 form.
 * @param {readonly string[]} texts contents of sources.list and sources.list.d/*
 * @param {string} suite
 * @returns {string[]}
 */
export function mainSources(texts, suite) {
  const wanted = [suite, `${suite}-updates`, `${suite}-security`];
  const entries = texts.flatMap((text) => (/^\s*Types:/m.test(text) ? paragraphs(text) : oneLines(text)));
  return entries
    .filter((entry) => wanted.includes(entry.suite))
    .map(({ options, uri, suite: name }) => `deb ${options === '' ? '' : `[${options}] `}${uri} ${name} main`);
}

/** @param {string} text @returns {{options: string, uri: string, suite: string}[]} */
function oneLines(text) {
  return [...text.matchAll(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+.*\bmain\b/gm)].map((match) => ({
    options: (match[1] ?? '').trim(),
    uri: match[2] ?? '',
    suite: match[3] ?? '',
  }));
}

/** @param {string} text @returns {{options: string, uri: string, suite: string}[]} */
function paragraphs(text) {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (/** @type {string} */ name) =>
      new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(paragraph)?.[1]?.trim().split(/\s+/) ?? [];
    if (!field('Types').includes('deb') || !field('Components').includes('main') || field('Enabled')[0] === 'no')
      return [];
    const key = field('Signed-By')[0];
    const options = key !== undefined && key.startsWith('/') ? `signed-by=${key}` : '';
    return field('URIs').flatMap((uri) => field('Suites').map((suite) => ({ options, uri, suite })));
  });
}

/** The release's code name from /etc/os-release. @param {string} osRelease @returns {string} */
export function codeName(osRelease) {
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(osRelease)?.[1] ?? 'stable';
}

/** What apt of this machine is told. @returns {string[]} */
export function hostSources() {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ];
  return files
    .filter((file) => existsSync(file) && /\.(list|sources)$/.test(file))
    .map((file) => readFileSync(file, 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [node, output] = process.argv.slice(2);
  if (node === undefined || output === undefined) {
    process.stderr.write('usage: from-packages.mjs NODE_BINARY OUTPUT.tar\n');
    process.exit(2);
  }
  const suite = codeName(readFileSync('/etc/os-release', 'utf8'));
  const gitconfig = fileURLToPath(new URL('gitconfig', import.meta.url));
  const child = spawn(
    'mmdebstrap',
    bootstrapArguments({ node, gitconfig, output, suite, sources: mainSources(hostSources(), suite) }),
    { stdio: 'inherit' },
  );
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('close', (status) => {
    process.exitCode = status ?? 1;
  });
}
