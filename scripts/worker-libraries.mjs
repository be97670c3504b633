// @ts-check
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The C++ library that this Node runs with, for images that have none. Where this process has none of its own (another
 * system than Linux, a static Node) the folder is empty, and such an image is refused by name.
 * @param {string} folder
 */
export function placeLibraries(folder) {
  mkdirSync(folder, { mode: 0o755 });
  const maps = process.platform === 'linux' ? readFileSync('/proc/self/maps', 'utf8') : '';
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    const file = maps
      .split('\n')
      .find((line) => line.includes(`/${name}`))
      ?.replace(/^[^/]*/, '');
    if (file === undefined) continue;
    copyFileSync(file, join(folder, name));
    chmodSync(join(folder, name), 0o644);
  }
}
