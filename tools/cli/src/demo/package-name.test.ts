import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { defaultPackage } from './default-package.ts';
import { parsePackageName } from './package-name.ts';

describe('the name of a package', () => {
  it.each([defaultPackage, 'ms@2.1.3', '@sindresorhus/is@7.0.0-beta.1', 'a.b_c@1.0.0+build.5'])('takes %s', (given) => {
    expect(unwrap(parsePackageName(given)).id).toBe(given);
  });

  it('keeps the scope in the name', () => {
    expect(unwrap(parsePackageName('@scope/name@1.2.3'))).toEqual({
      name: '@scope/name',
      version: '1.2.3',
      id: '@scope/name@1.2.3',
    });
  });

  it.each([
    '',
    'ms',
    'ms@latest',
    'ms@^2.0.0',
    '--registry=x@1.0.0',
    '../x@1.0.0',
    'file:x@1.0.0',
    'git+https://host/x@1.0.0',
    'x@1.0.0 --y',
    'x@1.0.0\n',
    'npm:x@1.0.0',
    `${'x'.repeat(300)}@1.0.0`,
  ])('refuses %j, which npm could take for something else', (given) => {
    const parsed = parsePackageName(given);
    expect(parsed).toMatchObject({ ok: false, error: { code: 'AC_DEMO_PACKAGE_NAME' } });
  });
});
