import { failure, success, type Result } from '@agentcompany/protocol';
import type { RedisOptions } from 'ioredis';
import { busErrors } from '../../errors.ts';

/** Where a server is. */
export interface Address {
  /** What ioredis needs to reach it, login included. */
  readonly connection: RedisOptions;
  /** Keeps several companies apart on one server. */
  readonly namespace: string;
  /** For messages: host and port, or the socket, never the login. */
  readonly shown: string;
}

const defaultNamespace = 'main';
const namespacePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const known = new Set(['namespace', 'tls']);
const defaultPorts: Readonly<Record<string, number>> = { 'redis': 6379, 'rediss': 6379, 'redis+sentinel': 26_379 };

const bad = (problem: string): Result<never> => failure(busErrors.AC_BUS_URL({ problem }));

/** Parts of `scheme://login@hosts/path?query`: several hosts, which `URL` does not read. */
const shape = /^(redis|rediss|redis\+sentinel|redis\+unix):\/\/(?:([^@/?#]*)@)?([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;

/**
 * Reads `redis://`, `rediss://`, `redis+sentinel://host:port,host:port/<master>[/<database>]` (`?tls=true`: encrypted) or
 * `redis+unix:///path/of/socket`, each with `?namespace=`. Error: `AC_BUS_URL`, which never shows what was given: it may hold a password.
 */
export function parseAddress(url: string): Result<Address> {
  const [, scheme, login, hosts = '', path = '', query = ''] = shape.exec(url) ?? [];
  if (scheme === undefined) return bad('the scheme must be redis, rediss, redis+sentinel or redis+unix');
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) return bad(`there is no parameter ${JSON.stringify(unknown.slice(0, 40))}`);
  const namespace = parameters.get('namespace') ?? defaultNamespace;
  if (!namespacePattern.test(namespace))
    return bad('namespace must be letters, digits, dot, hyphen or underscore, at most 64');
  const user = readLogin(login);
  if (!user.ok) return user;
  const tls = scheme === 'rediss' || parameters.get('tls') === 'true';
  const place = scheme === 'redis+unix' ? readSocket(hosts, path) : readHosts(scheme, hosts, path, tls);
  if (!place.ok) return place;
  const connection = { ...place.value.connection, ...user.value };
  return success({ connection, namespace, shown: place.value.shown });
}

type Place = Pick<Address, 'connection' | 'shown'>;

function readLogin(login: string | undefined): Result<RedisOptions> {
  if (login === undefined || login === '') return success({});
  const colon = login.indexOf(':');
  try {
    const username = decodeURIComponent(colon < 0 ? login : login.slice(0, colon));
    const password = colon < 0 ? '' : decodeURIComponent(login.slice(colon + 1));
    return success({ ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) });
  } catch {
    return bad('user and password must be percent-encoded');
  }
}

function readSocket(hosts: string, path: string): Result<Place> {
  if (hosts !== '' || path === '') return bad('a socket is given as redis+unix:///path');
  return success({ connection: { path: decodeURIComponent(path) }, shown: decodeURIComponent(path) });
}

function readHosts(scheme: string, hosts: string, path: string, tls: boolean): Result<Place> {
  const endpoints: { readonly host: string; readonly port: number }[] = [];
  for (const text of hosts.split(',')) {
    const endpoint = readHost(text, defaultPorts[scheme] ?? 6379);
    if (!endpoint.ok) return endpoint;
    endpoints.push(endpoint.value);
  }
  const names = path.split('/').slice(1);
  const isSentinel = scheme === 'redis+sentinel';
  const master = isSentinel ? names.shift() : undefined;
  if (isSentinel && (master === undefined || master === ''))
    return bad('the name of the master is missing after the sentinels');
  const database = names[0] === undefined || names[0] === '' ? '0' : names[0];
  if (!/^\d{1,4}$/.test(database) || names.length > 1) return bad('the database must be a number');
  const first = endpoints[0];
  if (first === undefined || (!isSentinel && endpoints.length > 1)) return bad('one host is expected');
  const shown = endpoints.map(({ host, port }) => `${host}:${port}`).join(',');
  const security = tls ? { tls: {} } : {};
  const common = { db: Number(database), ...security };
  if (!isSentinel) return success({ connection: { ...common, ...first }, shown });
  const sentinel = { sentinels: endpoints, name: master ?? '', enableTLSForSentinelMode: tls };
  return success({ connection: { ...common, ...sentinel }, shown: `${shown}/${master}` });
}

function readHost(text: string, defaultPort: number): Result<{ readonly host: string; readonly port: number }> {
  const [, bracketed, name, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? name;
  const number = port === undefined ? defaultPort : Number(port);
  if (host === undefined || number < 1 || number > 65_535) return bad('a host with its port is expected');
  return success({ host, port: number });
}
