import { once } from 'node:events';
import { connect } from 'node:tls';
import { failure, success, type EgressRule, type EgressSettings, type Result } from '@agentcompany/protocol';
import { egressErrors } from './errors.ts';
import type { EgressNetwork } from './network.ts';
import { resolveTarget } from './resolve-target.ts';

const connectMs = 10_000;

/**
 * Resolves and reaches every host that is named, as a worker would through the way out; nothing is asked of it. Names with `*.` stand for
 * others and are not tried. Errors: `AC_EGRESS_UNRESOLVED`, `AC_EGRESS_PRIVATE`, `AC_EGRESS_UNREACHABLE`.
 */
export async function checkEgress({ allow }: EgressSettings, network: EgressNetwork): Promise<Result<string>> {
  const named = allow.filter(({ host }) => !host.startsWith('*.'));
  const checks = await Promise.all(named.map((rule) => checkHost(rule, network)));
  const failed = checks.find((check) => !check.ok);
  if (failed !== undefined) return failed;
  const untried = allow.length - named.length;
  const opaque = allow.filter(({ inspect }) => !inspect).length;
  return success(
    [
      `${named.length} ${named.length === 1 ? 'host' : 'hosts'} reached`,
      ...(untried === 0 ? [] : [`${untried} with *. not tried`]),
      ...(opaque === 0 ? [] : [`${opaque} NOT INSPECTED`]),
    ].join(', '),
  );
}

async function checkHost({ host, ports }: EgressRule, network: EgressNetwork): Promise<Result<string>> {
  const resolved = await resolveTarget(network, host);
  if ('refused' in resolved)
    return failure(
      resolved.address === null
        ? egressErrors.AC_EGRESS_UNRESOLVED({ host })
        : egressErrors.AC_EGRESS_PRIVATE({ host, address: resolved.address }),
    );
  for (const port of ports) {
    const socket = connect({
      socket: network.connect(resolved.address, port),
      servername: host,
      ...(network.authorities === undefined ? {} : { ca: [...network.authorities] }),
    });
    try {
      await once(socket, 'secureConnect', { signal: AbortSignal.timeout(connectMs) });
    } catch (cause) {
      return failure(egressErrors.AC_EGRESS_UNREACHABLE({ host, port }, cause));
    } finally {
      socket.on('error', () => undefined).destroy();
    }
  }
  return success(host);
}
