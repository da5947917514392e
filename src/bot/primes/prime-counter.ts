import { Injectable } from '@nestjs/common';
import { InjectNamespace, type NamespaceCache } from '../../index.js';
import { primesNamespace, type PrimeCount } from './primes.namespace.js';
import { countPrimesBelow } from './sieve.js';

/** A count, and whether it was in the cache. */
export interface CountedPrimes extends PrimeCount {
  readonly cached: boolean;
}

/** Counts primes, each limit once. */
@Injectable()
export class PrimeCounter {
  constructor(
    @InjectNamespace(primesNamespace) private readonly primes: NamespaceCache<number, PrimeCount>,
  ) {}

  async below(limit: number): Promise<CountedPrimes> {
    let cached = true;
    const found = await this.primes.getOrLoad(limit, () => {
      cached = false;
      const start = performance.now();
      const count = countPrimesBelow(limit);
      return { count, tookMs: Math.round((performance.now() - start) * 10) / 10 };
    });
    return { ...found, cached };
  }
}
