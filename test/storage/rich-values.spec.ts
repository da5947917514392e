import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService, defineNamespace, numberKey, rich } from '../../src/index.js';
import { ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';
import { richValues } from '../support/rich-values.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
const MODES = ['frozen', 'copied'] as const;
const CASES = [ON_CHANGE, ON_SHUTDOWN].flatMap((persistence) =>
  MODES.map((values) => ({ persistence, values })),
);

describe.each(CASES)('a SQLite database behind $persistence, values $values', ({ persistence, values }) => {
  it('gives back exactly what rich() took, before a restart and after', async () => {
    const samples = fc.sample(richValues(), 500).filter((value) => value !== undefined);
    const definition = defineNamespace({
      name: 'values',
      key: numberKey(),
      value: rich(),
      persistence,
      values,
    });
    const database = join(folder, `${persistence}-${values}.sqlite`);
    const start = async () =>
      startApp([CacheModule.forRoot({ storage: { type: 'sqlite', database }, namespaces: [definition] })]);

    const app = await start();
    const cache = app.get(CacheService).namespace(definition);
    await cache.setMany(samples.map((value, i) => [i, value]));
    const before = await cache.getMany(samples.keys());
    await app.close();
    const next = await start();
    const after = await next.get(CacheService).namespace(definition).getMany(samples.keys());
    await next.close();

    for (const [i, value] of samples.entries()) {
      // Prototypes, -0 and what is not enumerable in errors included.
      expect(isDeepStrictEqual(before[i], value), `value ${i} before the restart`).toBe(true);
      expect(isDeepStrictEqual(after[i], value), `value ${i} after it`).toBe(true);
    }
  });
});
