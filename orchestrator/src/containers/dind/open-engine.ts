import { failure, success, type Result } from '@agentcompany/protocol';
import type { ContainerEngine } from '../container-engine.ts';
import { engineSocket } from '../dod/engine-address.ts';
import { defaultOciRuntime } from '../oci-runtime.ts';
import { DindEngine } from './dind-engine.ts';
import type { DindPlace } from './dind-place.ts';
import { dindErrors } from './errors.ts';
import { OuterEngine } from './outer-engine.ts';
import { innerSocket } from './start-outer.ts';

/** sockaddr_un holds 108 bytes, the last of them zero (unix(7)). */
const longestSocket = 107;

export interface OpenDindOptions {
  /** Address of the machine's engine; null: the usual one. */
  readonly dockerHost: string | null;
  readonly place: DindPlace;
  /** Id of the image with the inner engine. */
  readonly imageId: string;
  readonly ociRuntime?: string;
}

/**
 * The company's own engine in a container of the machine's Docker. The container is started with the first call.
 * Errors: `AC_DIND_ENGINE`, `AC_DIND_IMAGE`, `AC_DIND_ADDRESS`, those of the machine's engine.
 */
export async function openDindEngine(options: OpenDindOptions): Promise<Result<ContainerEngine>> {
  const { place, ociRuntime = defaultOciRuntime } = options;
  const address = engineSocket(options.dockerHost);
  if (!address.ok) return address;
  const socket = innerSocket(place);
  if (Buffer.byteLength(socket) > longestSocket) return failure(dindErrors.AC_DIND_ADDRESS({ socket }));
  const outer = new OuterEngine(address.value);
  const fit = await isFit(outer);
  if (!fit.ok) return fit;
  const image = await outer.machine.imageInspect(options.imageId);
  if (!image.ok)
    return image.error.code === 'AC_IMAGE_UNKNOWN'
      ? failure(dindErrors.AC_DIND_IMAGE({ reason: 'is not on this machine any more' }))
      : image;
  // In one order, whoever names them: the outer container is found again by its form.
  const sharedFolders = [...new Set(place.sharedFolders)].toSorted();
  const container = { ...place, sharedFolders, imageId: image.value.id, group: process.getgid?.() ?? 0 };
  return success(new DindEngine(outer, container, ociRuntime));
}

async function isFit({ machine, socket: address }: OuterEngine): Promise<Result<undefined>> {
  const info = await machine.info();
  if (!info.ok) return info;
  const { flavour, rootless } = info.value;
  if (flavour === 'docker' && !rootless) return success();
  const found = rootless ? 'a plain user’s' : 'Podman';
  return failure(dindErrors.AC_DIND_ENGINE({ address, found }));
}
