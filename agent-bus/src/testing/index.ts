import assert from 'node:assert/strict';
import { buryingContract } from './burying.ts';
import { carryingContract } from './carrying.ts';
import { closingContract } from './closing.ts';
import { decidingContract } from './deciding.ts';
import { exportingContract } from './exporting.ts';
import { holdingContract } from './holding.ts';
import { leasingContract } from './leasing.ts';
import { refusingContract } from './refusing.ts';
import { retainingContract } from './retaining.ts';
import { sendingContract } from './sending.ts';
import { standingContract } from './standing.ts';
import { contractOf, openInstance, type BusContractOptions } from './support.ts';
import { watchingContract } from './watching.ts';

export { runBusProcess } from './bus-programs.ts';
export { createRedisStore } from './redis-store.ts';
export { startSentinel, type Sentinel } from './start-sentinel.ts';
export { startRedis, type RedisServer, type StartRedisOptions } from './start-redis.ts';
export { createFolderStore } from './folder-store.ts';
export { busModelContract, modelOptions, type BusModelOptions } from './model/index.ts';
export { busProcessContract, type BusProcessOptions } from './processes.ts';
export { busUnreadableContract, type BusUnreadableOptions } from './unreadable.ts';
export type { BusContractOptions, BusPlace, ContractOptions, ContractStore, InstanceOptions } from './support.ts';

/**
 * What every adapter of the bus must do (DESIGN §4; rows C3, C5, C7, S73, S75), for any runner: registers its tests with `options.it`.
 * Each test makes a store of its own with `options.create`, and opens one or several instances on it.
 */
export function busContract(options: BusContractOptions): void {
  const contract = contractOf(options);
  contract('C3 says what it can', async (store) => {
    const bus = await openInstance(store);
    assert.deepEqual(bus.capabilities(), options.capabilities);
  });
  sendingContract(contract);
  refusingContract(contract);
  leasingContract(contract);
  decidingContract(contract);
  buryingContract(contract);
  carryingContract(contract);
  standingContract(contract);
  watchingContract(contract);
  holdingContract(contract);
  retainingContract(contract);
  exportingContract(contract);
  closingContract(contract);
}
