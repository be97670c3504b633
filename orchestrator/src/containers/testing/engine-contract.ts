import { attachingContract } from './contract/attaching.ts';
import { describingContract } from './contract/describing.ts';
import { endingContract } from './contract/ending.ts';
import { imagesContract } from './contract/images.ts';
import { ownershipContract } from './contract/ownership.ts';
import { contractOf, type EngineContractOptions } from './contract/support.ts';
import { workingContract } from './contract/working.ts';

export type { EngineContractOptions, EngineUnderTest } from './contract/support.ts';

/**
 * What every container engine must do behind the port (C16, C18), whichever runtime it is: the same calls with the same
 * results and the same error codes. For any runner: registers its tests with `options.it`, all on one real engine.
 */
export function engineContract(options: EngineContractOptions): void {
  const contract = contractOf(options);
  describingContract(contract);
  ownershipContract(contract);
  attachingContract(contract);
  endingContract(contract);
  imagesContract(contract);
  workingContract(contract);
}
