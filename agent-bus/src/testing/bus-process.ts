/** A process that uses the bus through one of this package's own adapters, for contracts that kill it. */
import { openBus } from '../open-bus.ts';
import type { OpenBusOptions } from '../bus-options.ts';
import { runBusProcess } from './bus-programs.ts';

await runBusProcess((options) => openBus(options as unknown as OpenBusOptions));
