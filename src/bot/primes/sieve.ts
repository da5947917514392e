/** How many primes there are below `limit`, by the sieve of Eratosthenes over the odd numbers. */
export function countPrimesBelow(limit: number): number {
  if (limit <= 2) return 0;
  // Index i stands for 2 * i + 1; index 0, which is 1, stands in for the prime 2.
  const composite = new Uint8Array(Math.floor(limit / 2));
  for (let factor = 3; factor * factor < limit; factor += 2) {
    if (composite[factor >> 1] === 1) continue;
    for (let i = (factor * factor) >> 1; i < composite.length; i += factor) composite[i] = 1;
  }
  return composite.reduce((count, mark) => count + 1 - mark, 0);
}
