import { failure, success, type Result } from '@agentcompany/protocol';
import type { ImageDetails } from './container-engine.ts';
import { containerErrors } from './errors.ts';
import { labelPrefix } from './worker-labels.ts';

/** Variables that change what programs load or run before their own code: an image may not set them. */
export const forbiddenVariable =
  /^(LD_.*|GLIBC_TUNABLES|GCONV_PATH|MALLOC_.*|BASH_ENV|ENV|PROMPT_COMMAND|GIT_.*|NODE_OPTIONS|NODE_PATH|NODE_EXTRA_CA_CERTS|PERL5(LIB|OPT|DB)|PYTHON(PATH|STARTUP|HOME)|RUBY(OPT|LIB)|(JAVA_TOOL|_JAVA)_OPTIONS|DOCKER_HOST|SSH_.*|AGENTCOMPANY_.*)$/i;

function firstOffence(image: ImageDetails): string | null {
  const [volume] = image.volumes;
  if (volume !== undefined)
    return `it declares the volume ${volume}, which would be a writable path on the host's disk`;
  if (image.hasHealthcheck) return 'it declares a HEALTHCHECK, a command run beside the worker';
  if (image.onBuild.length > 0) return 'it declares ONBUILD';
  const label = Object.keys(image.labels).find((name) => name.toLowerCase().startsWith(labelPrefix));
  if (label !== undefined) return `it carries the label ${label}, which could forge ownership`;
  const variable = image.environment
    .map((entry) => entry.split('=', 1)[0] ?? '')
    .find((name) => forbiddenVariable.test(name));
  return variable === undefined ? null : `it sets the variable ${variable}`;
}

/** Whether workers may be made from this image (S13). Error: `AC_IMAGE_REFUSED` naming the rule. */
export function checkImage(reference: string, image: ImageDetails): Result<undefined> {
  const rule = firstOffence(image);
  return rule === null ? success() : failure(containerErrors.AC_IMAGE_REFUSED({ image: reference, rule }));
}
