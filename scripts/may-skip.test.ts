import { describe, expect, it } from 'vitest';
import { excludedFiles, maySkip, readSkipRules } from './may-skip.ts';

const rules = [{ needs: 'worker-containers', files: ['**/*.container.test.ts'], why: 'they take an engine' }];

describe('what may be skipped', () => {
  it('is what the list says for what the machine lacks', () => {
    expect(excludedFiles(rules, undefined, false)).toEqual([]);
    expect(excludedFiles(rules, '', true)).toEqual([]);
    expect(excludedFiles(rules, 'worker-containers', false)).toEqual(['**/*.container.test.ts']);
  });

  it('is nothing with CI=true', () => {
    expect(() => excludedFiles(rules, 'worker-containers', true)).toThrow('CI=true');
    expect(maySkip(rules, 'orchestrator/src/x.container.test.ts', true)).toBe(false);
  });

  it('is nothing the list does not name', () => {
    expect(() => excludedFiles(rules, 'luck', false)).toThrow("no rule for 'luck'");
    expect(maySkip(rules, 'orchestrator/src/x.container.test.ts', false)).toBe(true);
    expect(maySkip(rules, 'orchestrator/src/x.test.ts', false)).toBe(false);
  });

  it('is a list whose every need can be named', () => {
    const shipped = readSkipRules(new URL('../tests/may-skip.json', import.meta.url));
    expect(excludedFiles(shipped, 'worker-containers', false)).not.toEqual([]);
    expect(() => readSkipRules(new URL('../package.json', import.meta.url))).toThrow('is not a list');
  });
});
