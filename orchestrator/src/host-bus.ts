import { isAbsolute } from 'node:path';
import type { OpenBusOptions } from '@agentcompany/agent-bus';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { CompanyTerms } from './contract/worker-hosts.ts';
import { namespaced } from './home-bus.ts';
import { hostErrors } from './hosts/errors.ts';

/**
 * The bus behind what `--bus` names: a Redis URL, or `sqlite:` or `file:` with an absolute folder for hosts on the engine's machine.
 * What the company settled of it comes from its terms. Error: `AC_HOST_BUS`, which never repeats a URL: it may hold a password.
 */
export function busAt(place: string, terms: CompanyTerms): Result<OpenBusOptions> {
  const common = { maxDeliveries: terms.max_deliveries };
  const [scheme = '', rest = ''] = place.split(/:(.*)/su);
  if (scheme === 'redis' || scheme === 'rediss' || scheme === 'redis+sentinel' || scheme === 'redis+unix')
    return success({
      ...common,
      adapter: 'redis',
      url: namespaced(place, terms.instance_id),
      acceptVolatile: terms.accept_volatile,
    });
  if ((scheme === 'sqlite' || scheme === 'file') && isAbsolute(rest))
    return success({ ...common, adapter: scheme, folder: rest });
  return failure(
    hostErrors.AC_HOST_BUS({ place: scheme === '' ? 'nothing' : `a place of kind ${scheme.slice(0, 20)}` }),
  );
}
