import { errorCatalogue } from '@agentcompany/protocol';

/** What can go wrong on the way to an engine that runs without root. */
export const rootlessErrors = errorCatalogue({
  AC_ROOTLESS_ABSENT: {
    message: 'container_runtime is rootless, but neither Podman nor rootless Docker is installed',
    remedy:
      'Install one (Debian, Ubuntu: apt-get install podman uidmap catatonit fuse-overlayfs), then start its service: systemctl --user enable --now podman.socket',
    retry: 'never',
  },
  AC_ROOTLESS_STOPPED: {
    message: 'no rootless container engine answers at {address}',
    remedy: 'Start it: {command}',
    retry: 'later',
  },
  AC_ROOTLESS_AS_ROOT: {
    message: 'container_runtime is rootless, but the engine at {address} runs as root',
    remedy:
      'Point CONTAINER_HOST at the socket of an engine that a plain user runs (unix:///run/user/UID/podman/podman.sock), or set container_runtime to dod.',
    retry: 'never',
  },
});
