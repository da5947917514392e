import { Injectable } from '@nestjs/common';
import { expect, it } from 'vitest';
import {
  Cached,
  CacheEvict,
  CachePut,
  CacheService,
  defineNamespace,
  json,
  numberKey,
  stringKey,
  tupleKey,
} from '../../../src/index.js';
import { CacheTestingModule } from '../../../src/testing/index.js';
import { startApp } from '../../support/nest-app.js';

type Pair = [number, string];

const pairs = defineNamespace({
  name: 'pairs',
  key: tupleKey(numberKey(), stringKey()),
  value: json<number>(),
});

/** Its methods change the very array that is their key. */
@Injectable()
class Pairs {
  @CacheEvict(pairs, { key: (pair: Pair) => pair })
  async remove(pair: Pair): Promise<void> {
    pair[1] = 'other';
  }

  @CacheEvict(pairs, { prefix: (start: [number]) => start })
  async removeAll(start: [number]): Promise<void> {
    start[0] = 2;
  }

  @CachePut(pairs, { key: (pair: Pair) => pair })
  async put(pair: Pair): Promise<number> {
    pair[1] = 'other';
    return 7;
  }

  @Cached(pairs, { key: (pair: Pair) => pair })
  async find(pair: Pair): Promise<number> {
    pair[1] = 'other';
    return 8;
  }
}

it('a decorated method stores and removes by the key of its call, whatever becomes of the array', async () => {
  class PairsModule {}
  const app = await startApp([
    CacheTestingModule.forRoot({ namespaces: [pairs], chatNamespaces: false }),
    { module: PairsModule, providers: [Pairs] },
  ]);
  const service = app.get(Pairs);
  const entries = app.get(CacheService).namespace(pairs);
  await entries.setMany([
    [[1, 'a'], 1],
    [[1, 'other'], 2],
    [[2, 'a'], 3],
  ]);
  await service.remove([1, 'a']);
  expect(
    await entries.getMany([
      [1, 'a'],
      [1, 'other'],
    ]),
  ).toEqual([undefined, 2]);
  await service.removeAll([1]);
  expect(
    await entries.getMany([
      [1, 'other'],
      [2, 'a'],
    ]),
  ).toEqual([undefined, 3]);
  await service.put([3, 'a']);
  const pair: Pair = [4, 'a'];
  const found = service.find(pair);
  pair[1] = 'changed by the caller';
  expect(await found).toBe(8);
  expect(
    await entries.getMany([
      [3, 'a'],
      [4, 'a'],
    ]),
  ).toEqual([7, 8]);
  expect(await entries.count()).toBe(3);
  await app.close();
});
