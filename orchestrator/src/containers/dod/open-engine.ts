import { success, type Result } from '@agentcompany/protocol';
import type { ContainerEngine } from '../container-engine.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { engineSocket } from './engine-address.ts';

/**
 * The container engine at a `DOCKER_HOST` value; null means /var/run/docker.sock. Workers run in `ociRuntime`, runc unless it is given.
 * Nothing is contacted yet.
 * Error: `AC_ENGINE_ADDRESS`.
 */
export function openDockerEngine(options: {
  readonly dockerHost: string | null;
  readonly ociRuntime?: string;
}): Result<ContainerEngine> {
  const socket = engineSocket(options.dockerHost);
  return socket.ok ? success(new DockerEngine(socket.value, options.ociRuntime)) : socket;
}
