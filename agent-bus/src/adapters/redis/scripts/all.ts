import { sendScript } from './sending.ts';
import * as claiming from './claiming.ts';
import { endScript } from './ending.ts';
import * as compacting from './compacting.ts';
import * as exporting from './exporting.ts';
import * as graveyard from './graveyard.ts';
import * as importing from './importing.ts';
import * as leasing from './leasing.ts';
import * as namedLeases from './named-leases.ts';
import * as reading from './reading.ts';
import type { Script } from './script.ts';

/** Every script of the bus: they are loaded when a connection begins. */
export const allScripts: readonly Script[] = [
  sendScript,
  endScript,
  ...[claiming, compacting, exporting, graveyard, importing, leasing, namedLeases, reading].flatMap((group) =>
    Object.values(group),
  ),
];
