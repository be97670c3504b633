import type { AppError } from '@agentcompany/protocol';
import { containerErrors } from '../errors.ts';

const longestRunRoot = 50;
const liftedIn = { major: 5, minor: 1 } as const;

/**
 * What is amiss with the folder in which a Podman of this version keeps what runs; null: nothing. The program that notes the end of a
 * container is given that folder by name, and before Podman 5.1 it refuses a name longer than 50 characters
 * (containers/podman#22277): then an end is noted only when Podman has waited for it for 20 s.
 */
export function runRootWarning(folder: string, version: string): AppError | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isLifted = major > liftedIn.major || (major === liftedIn.major && minor >= liftedIn.minor);
  if (folder.length <= longestRunRoot || isLifted) return null;
  return containerErrors.AC_PODMAN_RUN_ROOT({ folder });
}
