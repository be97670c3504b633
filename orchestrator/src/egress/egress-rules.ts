import { isIP } from 'node:net';
import type { EgressRule } from '@agentcompany/protocol';
import { refusal, type Refusal } from './refusal.ts';

/** Where a connection goes. */
export interface Target {
  /** Lower case, ASCII, no dot at the end. */
  readonly host: string;
  readonly port: number;
}

/** A target that a rule opens. */
export interface AllowedTarget extends Target {
  readonly rule: EgressRule;
}

/**
 * A name as DNS has it: lower case, without the dot at the end; null for anything that WHATWG's parser would read otherwise than it is
 * written (`0x7f.1`, `2130706433`, `a@b`, `a\b`, full-width dots), and for addresses.
 */
export function canonicalHost(written: string): string | null {
  const host = written.toLowerCase().replace(/\.$/, '');
  if (!/^[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?$/.test(host) || host.includes('..')) return null;
  return URL.parse(`https://${host}/`)?.hostname === host && isIP(host) === 0 ? host : null;
}

/** Reads the authority of a CONNECT, `host:port`; null where it is anything else. */
export function readAuthority(authority: string): Target | null {
  const match = /^([^:]+):(\d{1,5})$/.exec(authority);
  const host = canonicalHost(match?.[1] ?? '');
  const port = Number(match?.[2]);
  return host === null || !(port >= 1 && port <= 65_535) ? null : { host, port };
}

function fits(pattern: string, host: string): boolean {
  return pattern.startsWith('*.')
    ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1
    : pattern === host;
}

/** The rule that opens a target: of those that fit its host the most exact; or why there is none. */
export function allow(rules: readonly EgressRule[], target: Target): AllowedTarget | Refusal {
  const [rule] = rules
    .filter(({ host }) => fits(host, target.host))
    .toSorted((one, other) => exactness(other.host) - exactness(one.host));
  if (rule === undefined) return refusal('host');
  return rule.ports.includes(target.port) ? { ...target, rule } : refusal('port');
}

function exactness(pattern: string): number {
  return pattern.startsWith('*.') ? pattern.length : 1000;
}
