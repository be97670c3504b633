import type { OpenBusOptions } from '@agentcompany/agent-bus';
import { success, type Result } from '@agentcompany/protocol';
import { instanceId, type CompanyHome } from './company-home.ts';
import type { Config } from './config.ts';

type BusConfig = Pick<Config, 'message_queue' | 'max_deliveries' | 'redis_url' | 'accept_volatile'>;

/** The address with a namespace of this company, unless it names one: several companies may share a server. */
export function namespaced(url: string, instance: string): string {
  if (/[?&]namespace=/.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}namespace=${instance}`;
}

/** How the bus of a company is opened, whoever opens it. Error: `AC_HOME_DAMAGED` where a namespace is to be made and the home has no id. */
export function busOptions(home: CompanyHome, config: BusConfig): Result<OpenBusOptions> {
  const { message_queue: adapter, max_deliveries: maxDeliveries } = config;
  if (adapter !== 'redis') return success({ adapter, folder: home.busFolder, maxDeliveries });
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const url = namespaced(config.redis_url, instance.value);
  return success({ adapter, url, maxDeliveries, acceptVolatile: config.accept_volatile });
}

/** Which store it is, for messages: without user name and password. */
export function busPlace(options: OpenBusOptions): string {
  if (options.adapter !== 'redis') return `${options.adapter} in ${options.folder}`;
  return options.url.replace(/\/\/.*@/s, '//');
}

/** What tells the store of a home from another one of the same home, however the way to the home is written. */
export function busKey(options: OpenBusOptions): string {
  return options.adapter === 'redis' ? busPlace(options) : options.adapter;
}
