import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { createInstance, instanceId, makeFolder } from './company-home.ts';
import { networkFileSystemOf } from './file-system-type.ts';
import { hostErrors } from './hosts/errors.ts';

/** Where everything of one worker host lies. Nothing in it is the only copy of anything but the host's own name. */
export interface HostFolder {
  readonly root: string;
  /** The owner of its containers: two hosts on one container engine never touch each other's. */
  readonly instance: string;
  readonly lockFile: string;
  readonly logFile: string;
  readonly mirrorsFolder: string;
  readonly bundlesFolder: string;
  /** What was proven of this machine's container engine. */
  readonly recordFile: string;
  readonly runsFolder: string;
  /** Records of the prepared checkouts in the engine's volumes. */
  readonly checkoutsFolder: string;
}

/** Makes the folder of a worker host, or finds it as it is. Errors: `AC_HOST_FOLDER`, `AC_HOME_DAMAGED`. */
export function openHostFolder(folder: string): Result<HostFolder> {
  const root = path.resolve(folder);
  const paths = {
    root,
    lockFile: path.join(root, 'lock.db'),
    logFile: path.join(root, 'host.log'),
    mirrorsFolder: path.join(root, 'mirrors'),
    bundlesFolder: path.join(root, 'bundles'),
    recordFile: path.join(root, 'runtime-proof.json'),
    runsFolder: path.join(root, 'runs'),
    checkoutsFolder: path.join(root, 'checkouts'),
  };
  const instanceFile = path.join(root, 'instance.json');
  try {
    makeFolder(root, 0o711);
    const type = networkFileSystemOf(root);
    if (type !== null) return failure(hostErrors.AC_HOST_FOLDER({ folder: root }, `it lies on ${type}`));
    makeFolder(paths.mirrorsFolder, 0o755);
    makeFolder(paths.bundlesFolder, 0o700);
    makeFolder(paths.runsFolder, 0o700);
    makeFolder(paths.checkoutsFolder, 0o700);
    createInstance({ instanceFile });
  } catch (cause) {
    return failure(hostErrors.AC_HOST_FOLDER({ folder: root }, cause));
  }
  const instance = instanceId({ instanceFile });
  return instance.ok ? success({ ...paths, instance: instance.value }) : instance;
}
