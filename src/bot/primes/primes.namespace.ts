import { CachePersistenceLevel, defineNamespace, json, numberKey } from '../../index.js';

/** How many primes there are below a number, and what it took to find out. */
export interface PrimeCount {
  readonly count: number;
  readonly tookMs: number;
}

/** Number → count. `ON_CHANGE`: what has been computed once is not computed again, not even after a crash. */
export const primesNamespace = defineNamespace({
  name: 'primes',
  key: numberKey(),
  value: json<PrimeCount>(),
  persistence: CachePersistenceLevel.ON_CHANGE,
});
