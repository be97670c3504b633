import { errorCatalogue } from '@agentcompany/protocol';

/** What can go wrong between the company and its container engine, and with the workers inside. */
export const containerErrors = errorCatalogue({
  AC_ENGINE_ADDRESS: {
    message: 'the container engine address {address} is not supported',
    remedy: 'Set DOCKER_HOST to unix:///path/to/docker.sock, or unset it to use /var/run/docker.sock.',
    retry: 'never',
  },
  AC_ENGINE_ABSENT: {
    message: 'no container engine answers at {address}, and none is installed',
    remedy: 'Install Docker (Debian, Ubuntu: apt-get install docker.io), or point DOCKER_HOST at the socket of one.',
    retry: 'never',
  },
  AC_ENGINE_STOPPED: {
    message: 'the container engine at {address} is not running',
    remedy: 'Start it (systemctl start docker, or dockerd), then try again.',
    retry: 'later',
  },
  AC_ENGINE_FORBIDDEN: {
    message: 'the container engine at {address} may not be used by this user',
    remedy: 'Run as a user of the group that owns the socket (usermod -aG docker USER, then log in again), or as root.',
    retry: 'never',
  },
  AC_ENGINE_NO_LIMITS: {
    message: 'the container engine does not enforce limits on {missing}',
    remedy:
      'Use an engine that does (Docker as root, or rootless on cgroup v2); accept_no_limits accepts the risk that one worker starves the machine.',
    retry: 'never',
  },
  AC_OCI_RUNTIME_UNKNOWN: {
    message: 'the container engine has no OCI runtime {runtime}; it has: {known}',
    remedy:
      'Set oci_runtime to one of them, or register it with the engine (Docker: `runtimes` in /etc/docker/daemon.json, then restart it).',
    retry: 'never',
  },
  AC_ENGINE_PROFILE: {
    message: 'the seccomp profile of workers could not be placed at {file}, where the container engine reads it',
    remedy: 'Remove what is there, or set TMPDIR to a folder that this user can write and the engine can read.',
    retry: 'never',
  },
  AC_ENGINE_INIT: {
    message: 'the container engine has no init program for the processes of a worker',
    remedy: 'Install it (Debian, Ubuntu: apt-get install catatonit), or name one as init_path in containers.conf.',
    retry: 'never',
  },
  AC_ENGINE_FAILED: {
    message: 'the container engine could not {action}',
    remedy: 'Read the cause; `agentcompany doctor` checks the engine step by step.',
    retry: 'later',
  },
  AC_IMAGE_UNKNOWN: {
    message: 'the container engine has no image {image}',
    remedy: 'Build or load the image under this name; nothing is ever pulled.',
    retry: 'never',
  },
  AC_IMAGE_UNAVAILABLE: {
    message: 'the image {image} for this worker is not on this machine',
    remedy:
      'Build or load it (docker build, docker load, docker import), or correct the image the project names; nothing is ever pulled.',
    retry: 'later',
  },
  AC_IMAGE_REFUSED: {
    message: 'the image {image} may not be used for workers: {rule}',
    remedy:
      'Rebuild the image without it: no VOLUME, HEALTHCHECK, ONBUILD, label agentcompany.*, or variable that changes what programs load.',
    retry: 'never',
  },
  AC_IMAGE_UNFIT: {
    message: 'the image {image} cannot run workers: {problem}',
    remedy:
      "Use an image for this machine's processor that has /bin/sh, git and glibc 2.28 or later (Debian 10, Ubuntu 20.04, RHEL 8 and later).",
    retry: 'never',
  },
  AC_IMAGE_IN_USE: {
    message: 'the image {image} is in use',
    remedy: 'Nothing to do: a container or another image stands on it. It can go when they are gone.',
    retry: 'later',
  },
  AC_CONTAINER_UNKNOWN: {
    message: 'the container engine has no container {container}',
    remedy: 'Nothing to do if it was meant to be gone; otherwise another program removed it.',
    retry: 'never',
  },
  AC_WORKER_CONFINEMENT: {
    message: 'a worker was not confined as asked: {difference}',
    remedy:
      'The worker was destroyed before it got a task. Mend the engine (`agentcompany doctor`), or report this difference.',
    retry: 'never',
  },
  AC_WORKER_ESCAPED: {
    message: 'a worker got out of its confinement: {escapes}',
    remedy:
      'Give this engine and this image no work. Update engine, OCI runtime and kernel, or rebuild the image without keys, then run `agentcompany doctor`; docs/security.md says what each attempt is.',
    retry: 'never',
  },
  AC_WORKER_UNPROVEN: {
    message: 'it could not be shown that a worker cannot get out: {problem}',
    remedy: 'Run `agentcompany doctor`; the image of workers needs sh and git, and nothing may answer in its place.',
    retry: 'later',
  },
  AC_WORKER_SILENT: {
    message: 'the worker gave no {sign} for {seconds} seconds',
    remedy: 'The worker was destroyed. If the machine is overloaded, lower max_workers.',
    retry: 'now',
  },
  AC_WORKER_DEADLINE: {
    message: 'the worker did not finish within {seconds} seconds',
    remedy: 'The worker was destroyed. Split the task, or raise its timeout.',
    retry: 'later',
  },
  AC_WORKER_MEMORY: {
    message: 'the worker ran out of memory (limit {bytes} bytes, files of its workspace included)',
    remedy: 'Raise worker_memory_limit, or make the task smaller.',
    retry: 'later',
  },
  AC_WORKER_GARBAGE: {
    message: 'the worker broke the protocol of its door: {problem}',
    remedy:
      'The worker was destroyed. Its image or command wrote to the standard output of the runtime, or is hostile.',
    retry: 'later',
  },
  AC_WORKER_EXITED: {
    message: 'the worker ended with exit code {code} and without a report',
    remedy: 'Read the log of the attempt.',
    retry: 'later',
  },
  AC_WORKER_INTERRUPTED: {
    message: 'the worker was ended from outside, by SIGTERM',
    remedy: 'Nothing to do: its task is given out again. The container engine was stopped or restarted.',
    retry: 'now',
  },
  AC_WORKER_LOST: {
    message: 'the connection to the running worker was lost',
    remedy: 'The worker was destroyed; the container engine was restarted or is failing.',
    retry: 'now',
  },
  AC_WORKER_CANCELLED: {
    message: 'the worker was cancelled',
    remedy: 'Nothing to do: its container was removed.',
    retry: 'never',
  },
  AC_RESULT_STORE: {
    message: 'the result of the worker could not be stored in {file}',
    remedy: 'Make room on the disk of the company home and check that it can be written.',
    retry: 'later',
  },
  AC_PODMAN_RUN_ROOT: {
    message:
      'this Podman learns only after 20 s that a container has ended: the name of its run root {folder} is longer than 50 characters',
    remedy:
      'Update Podman to 5.1 or later. Or set a shorter runroot in ~/.config/containers/storage.conf, such as /run/user/UID/containers, and run `podman system reset`, which removes all containers and images of this user: Podman keeps to the run root it began with.',
    retry: 'never',
  },
  AC_CACHE_REFUSED: {
    message: 'the package cache {folder} is not given to workers: {problem}',
    remedy: 'Correct `package_caches` of the configuration, or the folder; docs/egress.md says what each kind expects.',
    retry: 'never',
  },
});
