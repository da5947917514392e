import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { inStoredOrder } from '../../src/core/keys/key-order.js';

const sorted = (keys: readonly number[]): number[] =>
  [...keys].sort((a, b) => (String(a) < String(b) ? -1 : 1));

describe('the keys of a large sweep', () => {
  it('come in the order of their stored form, each once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10_001, max: 60_000 }),
        fc.constantFrom(1, 7919, 7_368_787),
        async (count, stride) => {
          const keys = Array.from({ length: count }, (_, i) => (i * stride) % 100_003);
          expect(await inStoredOrder(keys, String, systemClock)).toEqual(sorted(keys));
        },
      ),
      { numRuns: 20 },
    );
  });

  it('come whole when they are as good as equal', async () => {
    const keys = Array.from({ length: 30_000 }, (_, i) => `${'x'.repeat(100)}${i % 3}`);
    const ordered = await inStoredOrder(keys, (key) => key as string, systemClock);
    expect(ordered).toEqual([...keys].sort());
  });

  it('leave the event loop to others', async () => {
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await inStoredOrder(
      Array.from({ length: 100_000 }, (_, i) => i),
      String,
      systemClock,
    );
    isOver = true;
    expect(turns).toBeGreaterThan(20);
  });
});
