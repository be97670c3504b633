import { failure, success, type Result } from '@agentcompany/protocol';
import type { ContainerEngine } from './container-engine.ts';
import { containerErrors } from './errors.ts';
import { foreignProcessor, toolFolders } from './image-fitness.ts';
import { checkImage } from './image-policy.ts';

/** An image that workers may be made from. */
export interface PinnedImage {
  /** `sha256:…` */
  readonly id: string;
  /** Where its programs lie, besides the usual folders. */
  readonly toolFolders: readonly string[];
}

/**
 * Image references resolved to ids. The first use of a reference pins it: whoever moves the tag later does not change
 * what runs (S14); a run keeps its pins on record. Nothing is ever pulled.
 */
export class PinnedImages {
  readonly #engine: ContainerEngine;
  readonly #pins = new Map<string, string>();

  constructor(engine: ContainerEngine) {
    this.#engine = engine;
  }

  /**
   * The image behind `reference`, present and fit for workers as far as it says itself. Errors: `AC_IMAGE_UNAVAILABLE`,
   * `AC_IMAGE_REFUSED`, `AC_IMAGE_UNFIT`, those of the engine.
   */
  async resolve(reference: string): Promise<Result<PinnedImage>> {
    const image = await this.#engine.imageInspect(this.#pins.get(reference) ?? reference);
    if (!image.ok) {
      const isMissing = image.error.code === 'AC_IMAGE_UNKNOWN';
      return isMissing ? failure(containerErrors.AC_IMAGE_UNAVAILABLE({ image: reference }, image.error)) : image;
    }
    const checked = checkImage(reference, image.value);
    if (!checked.ok) return checked;
    const problem = foreignProcessor(image.value);
    if (problem !== null) return failure(containerErrors.AC_IMAGE_UNFIT({ image: reference, problem }));
    this.#pins.set(reference, image.value.id);
    return success({ id: image.value.id, toolFolders: toolFolders(image.value) });
  }
}
