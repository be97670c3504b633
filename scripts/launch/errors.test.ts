import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { launchErrors, setupFailure } from './errors.mjs';

const folder = new URL('./', import.meta.url);
const catalogue = readFileSync(new URL('errors.mjs', folder), 'utf8');
const sources = [
  ...readdirSync(folder).filter((name) => name.endsWith('.mjs') && name !== 'errors.mjs'),
  '../../tools/cli/bin/agentcompany.mjs',
].map((name) => readFileSync(new URL(name, folder), 'utf8'));

describe('the errors of the launcher', () => {
  it('are those it raises, no more and no fewer', () => {
    const raised = new Set(sources.flatMap((text) => [...text.matchAll(/'(AC_[A-Z_]+)'/g)].map((match) => match[1])));
    const listed = [...catalogue.matchAll(/^ {2,4}(AC_[A-Z_]+): \{/gm)].map((match) => match[1]);
    expect(raised).toEqual(new Set(listed));
    expect(listed).toEqual(expect.arrayContaining(Object.keys(launchErrors.entries)));
  });

  it('fill in what is known and put the cause after it', () => {
    const failure = setupFailure('AC_ENGINE_INSTALL', { packages: 'docker.io' }, 'exit code 100');
    expect(failure.print()).toBe(
      'AC_ENGINE_INSTALL: apt-get could not install docker.io (exit code 100)\n  -> apt-get update && apt-get install -y --no-install-recommends docker.io',
    );
    expect(failure.exitCode).toBe(4);
  });
});
