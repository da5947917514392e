export { CacheTestingModule, type CacheTestingOptions } from './cache-testing.module.js';
export { CacheTesting } from './cache-testing.js';
export { TestClock } from './test-clock.js';
export { FaultyStorage, type FaultyCalls } from './faulty-storage.js';
export { StorageFault } from './storage-fault.js';
export { describeStorageContract, type StorageContractOptions } from './storage-contract.js';
export { InMemoryBackplane } from './in-memory-backplane.js';
export { describeBackplaneContract, type BackplaneContractOptions } from './backplane-contract.js';
export type { TestRunner } from './test-runner.js';
