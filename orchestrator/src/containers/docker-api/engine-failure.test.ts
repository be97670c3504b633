import { describe, expect, it } from 'vitest';
import { engineFailure } from './engine-failure.ts';

const subject = { address: '/var/run/docker.sock', action: 'do it' };
const codeOf = (cause: object, more = {}, installed = true): string =>
  engineFailure({ ...subject, ...more }, cause, () => installed).code;

describe('failures of the engine', () => {
  it.each([
    ['AC_ENGINE_ABSENT', { code: 'ENOENT' }, {}, false],
    ['AC_ENGINE_STOPPED', { code: 'ENOENT' }, {}, true],
    ['AC_ENGINE_STOPPED', { code: 'ECONNREFUSED' }, {}, false],
    ['AC_ENGINE_FORBIDDEN', { code: 'EACCES' }, {}, true],
    ['AC_IMAGE_UNKNOWN', { statusCode: 404 }, { image: 'x' }, true],
    ['AC_CONTAINER_UNKNOWN', { statusCode: 404 }, { container: 'x' }, true],
    ['AC_ENGINE_FAILED', { statusCode: 500 }, { container: 'x' }, true],
    ['AC_ENGINE_FAILED', { code: 'ECONNRESET' }, {}, true],
  ])('are told apart: %s for %o', (code, cause, more, installed) => {
    expect(codeOf(cause, more, installed)).toBe(code);
  });
});
