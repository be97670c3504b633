import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const importing = /^(?:import|export)\s(?!type\b)[^;]*?from '([^']+)';$|^import '([^']+)';$/gmu;

/** What is loaded before any command runs: every package imported, and by which file, following imports that are not lazy. */
function loadedFrom(file: string, seen = new Map<string, string>()): ReadonlyMap<string, string> {
  for (const [, named, bare] of readFileSync(file, 'utf8').matchAll(importing)) {
    const specifier = named ?? bare ?? '';
    const target = specifier.startsWith('.') ? join(dirname(file), specifier) : specifier;
    if (seen.has(target)) continue;
    seen.set(target, file);
    if (specifier.startsWith('.')) loadedFrom(target, seen);
  }
  return seen;
}

describe('the start of the command line', () => {
  it('P11 loads neither schemas nor company before a command asks for them', () => {
    const loaded = loadedFrom(join(import.meta.dirname, 'main.ts'));
    const packages = [...loaded.keys()].filter((target) => !target.startsWith('/') && !target.startsWith('node:'));
    expect(packages).toEqual(['commander']);
  });
});
