/** A fresh process that opens the bus of its argument (`OpenBusOptions` as JSON) and says what that took: see `Opened`. */
import { openBus, type OpenBusOptions } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';

export interface Opened {
  readonly milliseconds: number;
  /** Resident memory of the whole process after it. */
  readonly bytes: number;
}

const begun = performance.now();
const bus = unwrap(await openBus(JSON.parse(process.argv[2] ?? '{}') as OpenBusOptions));
const opened: Opened = { milliseconds: performance.now() - begun, bytes: process.memoryUsage.rss() };
process.send?.(opened);
await bus.close();
process.disconnect();
