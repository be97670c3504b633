import { describe, expect, it } from 'vitest';
import { runRootWarning } from './podman-run-root.ts';

describe('the folder in which Podman keeps what runs', () => {
  const fifty = `/run/${'x'.repeat(45)}`;
  const cases: readonly (readonly [string, string, boolean])[] = [
    [fifty, '4.3.1', false],
    [`${fifty}x`, '4.3.1', true],
    [`${fifty}x`, '4.9.3-dev', true],
    [`${fifty}x`, '5.0.2', true],
    [`${fifty}x`, '5.1.0', false],
    [`${fifty}x`, '6.0.0-rc1', false],
    ['', '4.3.1', false],
  ];
  it.each(cases)('%s of Podman %s is warned of: %s', (folder, version, isWarned) => {
    expect(runRootWarning(folder, version)?.code).toBe(isWarned ? 'AC_PODMAN_RUN_ROOT' : undefined);
  });
});
