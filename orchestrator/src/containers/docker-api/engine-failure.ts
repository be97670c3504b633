import { existsSync } from 'node:fs';
import type { AppError } from '@agentcompany/protocol';
import { containerErrors } from '../errors.ts';

/** What a call was about, for naming what is missing when the engine answers 404. */
export interface CallSubject {
  readonly address: string;
  readonly action: string;
  readonly container?: string;
  readonly image?: string;
}

const daemons = ['/usr/bin/dockerd', '/usr/sbin/dockerd', '/usr/local/bin/dockerd', '/usr/bin/podman'];

function field(cause: unknown, name: string): unknown {
  return typeof cause === 'object' && cause !== null ? Reflect.get(cause, name) : undefined;
}

/** The coded error of whatever a call to the engine threw. `isInstalled` is replaceable for tests. */
export function engineFailure(
  subject: CallSubject,
  cause: unknown,
  isInstalled: () => boolean = () => daemons.some((path) => existsSync(path)),
): AppError {
  const { address, action, container, image } = subject;
  const code = field(cause, 'code');
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return isInstalled()
      ? containerErrors.AC_ENGINE_STOPPED({ address }, cause)
      : containerErrors.AC_ENGINE_ABSENT({ address }, cause);
  }
  if (code === 'ECONNREFUSED') return containerErrors.AC_ENGINE_STOPPED({ address }, cause);
  if (code === 'EACCES' || code === 'EPERM') return containerErrors.AC_ENGINE_FORBIDDEN({ address }, cause);
  if (/container-init binary not found/.test(String(field(cause, 'message'))))
    return containerErrors.AC_ENGINE_INIT({}, cause);
  const status = field(cause, 'statusCode');
  if (status === 404 && image !== undefined) return containerErrors.AC_IMAGE_UNKNOWN({ image }, cause);
  if (status === 409 && image !== undefined) return containerErrors.AC_IMAGE_IN_USE({ image }, cause);
  if (status === 404 && container !== undefined) return containerErrors.AC_CONTAINER_UNKNOWN({ container }, cause);
  return containerErrors.AC_ENGINE_FAILED({ action }, cause);
}
