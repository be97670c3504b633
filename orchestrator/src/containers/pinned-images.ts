import { failure, success, type Result } from '@agentcompany/protocol';
import type { ContainerEngine } from './container-engine.ts';
import { containerErrors } from './errors.ts';
import { checkImage } from './image-policy.ts';

/**
 * Image references resolved to ids. The first use of a reference pins it: whoever moves the tag later does not change
 * what runs (S14), until the company is started anew. Nothing is ever pulled.
 */
export class PinnedImages {
  readonly #engine: ContainerEngine;
  readonly #pins = new Map<string, string>();

  constructor(engine: ContainerEngine) {
    this.#engine = engine;
  }

  /** The id behind `reference`, present and fit for workers. Errors: `AC_IMAGE_UNAVAILABLE`, `AC_IMAGE_REFUSED`, those of the engine. */
  async resolve(reference: string): Promise<Result<string>> {
    const image = await this.#engine.imageInspect(this.#pins.get(reference) ?? reference);
    if (!image.ok) {
      const isMissing = image.error.code === 'AC_IMAGE_UNKNOWN';
      return isMissing ? failure(containerErrors.AC_IMAGE_UNAVAILABLE({ image: reference }, image.error)) : image;
    }
    const checked = checkImage(reference, image.value);
    if (!checked.ok) return checked;
    this.#pins.set(reference, image.value.id);
    return success(image.value.id);
  }
}
