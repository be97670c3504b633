// @ts-check
import { SetupFailure } from './failure.mjs';

const again = 'then run the command again';

/**
 * What can go wrong before the product itself runs, in the form of the product's catalogues (which cannot be used here:
 * nothing is installed yet). `{name}` is filled in.
 */
export const launchErrors = Object.freeze({
  entries: {
    AC_NODE_UNAVAILABLE: {
      message: 'this is Node {version}, {needed} or newer is needed, and none can be brought for {platform}',
      remedy: `install Node {needed} or newer from https://nodejs.org, ${again}`,
      retry: 'never',
    },
    AC_NODE_TOO_OLD: {
      message: 'this is Node {version}, {needed} or newer is needed',
      remedy: 'node scripts/launch.mjs build   (brings one)',
      retry: 'never',
    },
    AC_NPM_ABSENT: {
      message: 'npm was found neither beside Node nor on the PATH',
      remedy: `install npm (it comes with Node from https://nodejs.org), ${again}`,
      retry: 'never',
    },
    AC_PACKAGE_FETCH: {
      message: 'npm could not fetch {package}',
      remedy: `check the network and the registry npm is set to (npm config get registry), ${again}`,
      retry: 'later',
    },
    AC_PACKAGE_INTEGRITY: {
      message: 'the archive of {package} is {found}, expected {expected}; nothing of it was used',
      remedy:
        'the registry or something on the way to it changed the package: check npm config get registry and the proxy in use',
      retry: 'never',
    },
    AC_PACKAGE_UNPACK: {
      message: 'the archive of {package} could not be unpacked',
      remedy: `install tar, check the free space, ${again}`,
      retry: 'never',
    },
    AC_INSTALL_FAILED: {
      message: 'npm install failed',
      remedy: `check the network and the registry npm is set to (npm config get registry), ${again}`,
      retry: 'later',
    },
    AC_LOCKFILE_CHANGED: {
      message:
        'package-lock.json does not say what the package.json files ask for: npm install changed it (put back; the changed one is .cache/package-lock.rejected.json)',
      remedy:
        'after a change of dependencies: cp .cache/package-lock.rejected.json package-lock.json, look at git diff, commit it; otherwise find out who changed a package.json',
      retry: 'never',
    },
    AC_BUILD_FAILED: {
      message: 'the build failed',
      remedy: `mend what the lines above name, ${again}`,
      retry: 'never',
    },
    AC_NOT_BUILT: {
      message: 'the command line is not built yet',
      remedy: 'node scripts/launch.mjs build',
      retry: 'never',
    },
    AC_COMMAND_ABSENT: {
      message: '{file} is not part of this checkout',
      remedy: 'git status, then git checkout -- {file}',
      retry: 'never',
    },
    AC_SETUP_DECLINED: {
      message: 'nothing was installed or started',
      remedy: 'do it yourself, or answer yes (--yes does not ask)',
      retry: 'never',
    },
    AC_ENGINE_INSTALL: {
      message: 'apt-get could not install {packages}',
      remedy: 'apt-get update && apt-get install -y --no-install-recommends {packages}',
      retry: 'later',
    },
  },
});

/**
 * Codes of the catalogue in orchestrator/src/containers/errors.ts, where they are documented. The launcher meets the
 * same states earlier, and can name the exact line to run in this checkout.
 */
const containerEntries = {
  AC_ENGINE_ABSENT: {
    message: 'no container engine is installed',
    remedy: `sudo apt-get install docker.io   (or see https://docs.docker.com/engine/install/), ${again}`,
  },
  AC_ENGINE_STOPPED: {
    message: 'the container engine is installed but not running',
    remedy: `sudo systemctl start docker   (without systemd: sudo service docker start), ${again}`,
  },
  AC_ENGINE_FORBIDDEN: {
    message: 'the container engine runs, but this user may not use it',
    remedy: `sudo usermod -aG docker "$USER" && newgrp docker   (note that this group is as good as root), ${again}`,
  },
  AC_ENGINE_NO_LIMITS: {
    message: 'the container engine does not enforce limits on containers',
    remedy:
      'give it the memory, pids and cpu controllers (cgroup v2, or "cgroup_enable=memory" on the kernel command line); AGENTCOMPANY_ACCEPT_NO_LIMITS=true runs workers without',
  },
  AC_ENGINE_ADDRESS: {
    message: 'DOCKER_HOST does not name a Unix socket',
    remedy: 'unset DOCKER_HOST, or set it to unix:///path/of/the.sock',
  },
  AC_ROOTLESS_ABSENT: {
    message: 'no container engine that works without root is installed',
    remedy: `sudo apt-get install podman uidmap catatonit fuse-overlayfs, then systemctl --user enable --now podman.socket, ${again}`,
  },
  AC_ROOTLESS_STOPPED: {
    message: 'no container engine without root answers',
    remedy: `systemctl --user enable --now podman.socket   (without systemd: podman system service --time=0 unix://{socket} &), ${again}`,
  },
  AC_ROOTLESS_AS_ROOT: {
    message: 'AGENTCOMPANY_CONTAINER_RUNTIME is rootless, but the engine runs as root',
    remedy: `set CONTAINER_HOST to the socket of an engine that a plain user runs (unix:///run/user/UID/podman/podman.sock), ${again}`,
  },
  AC_IMAGE_UNAVAILABLE: {
    message: 'there is no worker image and none can be made',
    remedy:
      'with an image registry: docker build -t {reference} --build-arg NODE_VERSION={version} worker-image/image\n     as root on Debian or Ubuntu: sudo node scripts/launch.mjs setup',
  },
};

/** @typedef {keyof typeof launchErrors.entries | keyof typeof containerEntries} LaunchCode */

/** @type {Readonly<Record<LaunchCode, {message: string, remedy: string}>>} */
const texts = { ...launchErrors.entries, ...containerEntries };

/**
 * The failure of that code, ready to throw.
 * @param {LaunchCode} code
 * @param {Readonly<Record<string, string>>} [parameters] fill `{name}` in the texts
 * @param {string} [detail] what lay beneath, in brackets after the message
 * @returns {SetupFailure} exit code 4
 */
export function setupFailure(code, parameters = {}, detail) {
  const fill = (/** @type {string} */ text) => text.replace(/\{(\w+)\}/g, (whole, name) => parameters[name] ?? whole);
  const { message, remedy } = texts[code];
  return new SetupFailure(code, `${fill(message)}${detail === undefined ? '' : ` (${detail})`}`, fill(remedy));
}
