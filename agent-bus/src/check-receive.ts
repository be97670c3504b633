import { success, type Result } from '@agentcompany/protocol';
import type { ReceiveOptions } from './bus.ts';
import { checkName, checkNumber } from './outgoing.ts';

/** Checks what `receive` is asked. Errors: `AC_BUS_QUEUE_NAME`, `AC_BUS_OPTION_INVALID`. */
export function checkReceive(queue: string, options: ReceiveOptions): Result<unknown> {
  const checks = [
    checkName(queue),
    checkNumber('max', options.max, 1),
    checkNumber('waitMs', options.waitMs, 0),
    checkNumber('leaseMs', options.leaseMs, 1),
  ];
  return checks.find((check) => !check.ok) ?? success(undefined);
}
