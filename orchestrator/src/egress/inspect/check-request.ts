import type { IncomingMessage } from 'node:http';
import type { EgressRule } from '@agentcompany/protocol';
import type { SecretFinder } from '../../text/find-secrets.ts';
import { canonicalHost, type AllowedTarget } from '../egress-rules.ts';
import { refusal, type Refusal } from '../refusal.ts';
import { isBelow, plainPath } from './request-path.ts';

/** A request as it goes out: nothing of the worker's is in it but this. */
export interface OutgoingRequest {
  readonly method: EgressRule['methods'][number];
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Characters of a path with its query. */
const longestTarget = 2048;
const longestHeader = 1024;

/** What of a request's headers goes out, where it is plain; all else, cookies, credentials and names of programs, stays here. */
const passedHeaders = [
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-encoding',
  'content-type',
  'git-protocol',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'range',
] as const;
const programName = 'agentcompany-egress';

/** Checks a request inside an inspected connection against its rule and makes the one that goes out (S44, S45). */
export function checkRequest(
  request: IncomingMessage,
  target: AllowedTarget,
  findSecrets: SecretFinder,
): OutgoingRequest | Refusal {
  if (!namesHost(request, target)) return refusal('host_header');
  const url = readTarget(request.url ?? '', target.host);
  if (url === null) return refusal('target');
  if (holdsSecret(request, url, findSecrets)) return refusal('secret');
  const method = target.rule.methods.find((allowed) => allowed === request.method);
  if (method === undefined) return refusal('method');
  const path = plainPath(url.pathname);
  if (path === null || !isBelow(path, target.rule.paths)) return refusal('path');
  if (isBodiless(method) && announcesBody(request)) return refusal('body');
  return { method, path: `${url.pathname}${url.search}`, headers: passed(request) };
}

export function isBodiless(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** One Host header, which is the host of the connection. */
function namesHost({ rawHeaders }: IncomingMessage, { host, port }: AllowedTarget): boolean {
  const hosts = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host');
  const [name = '', written = '443', ...rest] = (hosts[0] ?? '').split(':');
  return hosts.length === 1 && rest.length === 0 && canonicalHost(name) === host && written === String(port);
}

/** The origin form and no other; an absolute one would have the last word over the Host header. */
function readTarget(written: string, host: string): URL | null {
  if (written.length > longestTarget || !/^\/[\x21-\x7e]*$/.test(written)) return null;
  const url = URL.parse(`https://${host}${written}`);
  return url?.hostname === host && url.username === '' && url.password === '' ? url : null;
}

function holdsSecret({ rawHeaders }: IncomingMessage, url: URL, findSecrets: SecretFinder): boolean {
  const texts = [url.href, decodedOnce(url.href), rawHeaders.join('\n'), decodedOnce(rawHeaders.join('\n'))];
  return texts.some((text) => findSecrets(text).length > 0);
}

/** Escapes undone one by one: those that are none stay. */
function decodedOnce(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)));
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function passed({ headers }: IncomingMessage): Record<string, string> {
  const entries = passedHeaders.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' && value.length <= longestHeader ? [[name, value] as const] : [];
  });
  return { ...Object.fromEntries(entries), 'user-agent': programName };
}
