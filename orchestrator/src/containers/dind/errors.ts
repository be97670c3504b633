import { errorCatalogue } from '@agentcompany/protocol';

/** What can go wrong with the engine of a company's own, in a container of the machine's. */
export const dindErrors = errorCatalogue({
  AC_DIND_IMAGE: {
    message: 'the image of the inner container engine {reason}',
    remedy: 'Make it with `agentcompany image build --dind`, which takes a minute or two.',
    retry: 'never',
  },
  AC_DIND_BUILD: {
    message: 'the image of the inner container engine could not be made from packages',
    remedy:
      'On Debian or Ubuntu, as root: apt-get install mmdebstrap, then try again. Elsewhere load an image with dockerd and name it: `agentcompany image build --dind docker:dind`.',
    retry: 'later',
  },
  AC_DIND_ENGINE: {
    message: 'docker-in-docker needs Docker that runs as root, and the engine at {address} is {found}',
    remedy: 'Set container_runtime to rootless to use this engine as it is, or point DOCKER_HOST at another.',
    retry: 'never',
  },
  AC_DIND_FOLDER: {
    message: 'the inner container engine cannot see {folder}',
    remedy: 'What its workers mount lies in: {shared}. Nothing else of this machine is shown to it.',
    retry: 'never',
  },
  AC_DIND_ADDRESS: {
    message: 'the path of the inner engine’s socket is too long: {socket}',
    remedy: 'Use a company home with a shorter path: the address of a socket has at most 107 bytes.',
    retry: 'never',
  },
  AC_DIND_HELD: {
    message: 'process {pid} of this company uses the inner container engine under other settings',
    remedy: 'Wait until it has ended, or give it the same limits, folders and image.',
    retry: 'later',
  },
  AC_DIND_DIFFERS: {
    message: 'the container of the inner engine was not made as asked: {difference}',
    remedy: 'It was removed. Report this difference; container_runtime dod needs no such container.',
    retry: 'never',
  },
  AC_DIND_START: {
    message: 'the inner container engine did not start: {reason}',
    remedy: 'Read `docker logs {name}`. It needs a kernel that lets a container mount control groups and overlays.',
    retry: 'later',
  },
});
