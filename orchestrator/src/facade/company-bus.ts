import type { CompanyBus } from '../bus-facade.ts';
import { openDeadLetters } from './bus-dead-letters.ts';
import { openBusExport } from './bus-export.ts';
import { history } from './bus-history.ts';
import { importFrom } from './bus-import.ts';
import { openBusPurging } from './bus-purging.ts';
import { openBusReading } from './bus-reading.ts';
import type { FacadeContext } from './context.ts';

/** The company's bus for an operator. */
export function openCompanyBus(context: FacadeContext): CompanyBus {
  return {
    ...openBusReading(context),
    ...openDeadLetters(context.bus),
    ...openBusPurging(context),
    ...openBusExport(context.bus),
    history: (query) => history(context, query),
    importFrom: (file) => importFrom(context, file),
  };
}
