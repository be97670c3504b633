import { success, type Result } from '@agentcompany/protocol';
import Docker from 'dockerode';
import type { ContainerDetails } from '../container-engine.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { engineCall } from '../docker-api/engine-call.ts';
import { outerBody, outerName, type OuterContainer } from './outer-body.ts';

/** The machine's engine, as far as a company uses it that has an engine of its own: one container more, of one fixed form. */
export class OuterEngine {
  readonly socket: string;
  /** The calls of the port: images lie here, and are carried in. */
  readonly machine: DockerEngine;
  readonly #docker: Docker;

  constructor(socket: string) {
    this.socket = socket;
    this.machine = new DockerEngine(socket);
    this.#docker = new Docker({ socketPath: socket });
  }

  /** Makes the outer container, or finds the one that another process has made meanwhile. */
  async create(container: OuterContainer): Promise<Result<undefined>> {
    const nameTaken = 409;
    const subject = { address: this.socket, action: 'create the inner engine’s container', image: container.imageId };
    return engineCall(subject, async () => {
      const call: object = { _query: { name: outerName(container.instance) }, _body: outerBody(container) };
      try {
        await this.#docker.createContainer(call);
      } catch (cause) {
        if (Reflect.get(Object(cause), 'statusCode') !== nameTaken) throw cause;
      }
      return undefined;
    });
  }

  /** The outer container of this instance; null where there is none. */
  async find(instance: string): Promise<Result<ContainerDetails | null>> {
    const found = await this.machine.inspect(outerName(instance));
    return !found.ok && found.error.code === 'AC_CONTAINER_UNKNOWN' ? success(null) : found;
  }
}
