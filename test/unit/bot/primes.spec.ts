import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countPrimesBelow } from '../../../src/bot/primes/sieve.js';
import { TestBot } from '../../e2e/support/test-bot.js';

describe('counting primes', () => {
  let bot: TestBot;
  beforeEach(async () => {
    bot = await new TestBot().start();
  });
  afterEach(() => bot.stop());

  it('is right for small numbers', () => {
    const isPrime = (n: number): boolean => {
      for (let factor = 2; factor * factor <= n; factor += 1) if (n % factor === 0) return false;
      return n > 1;
    };
    let primes = 0;
    for (let limit = 0; limit < 500; limit += 1) {
      expect(countPrimesBelow(limit)).toBe(primes);
      if (isPrime(limit)) primes += 1;
    }
    expect(countPrimesBelow(1_000_000)).toBe(78_498);
  });

  it('computes once, and says where the answer came from, also after a restart', async () => {
    expect(await bot.say('/primes 1000')).toMatch(
      /^There are 168 primes below 1000 \(computed in [\d.]+ ms\)/,
    );
    expect(await bot.say('/primes 1000', { userId: 2 })).toContain('168 primes below 1000 (from the cache');
    await bot.restart();
    expect(await bot.say('/primes 1000')).toContain('from the cache');
    expect(await bot.say('/primes 1001')).toContain('computed in');
    expect(bot.cache.getStats()['primes']).toMatchObject({ loaderCalls: 1, hits: 1 });
  });

  it.each(['', 'many', '-5', '1.5', '1e3', '10000001', '99999999999999999999'])(
    'asks for a number it can take instead of "%s"',
    async (limit) => {
      expect(await bot.say(`/primes ${limit}`)).toContain('/primes 1000000');
    },
  );
});
