import { NestFactory } from '@nestjs/core';
import {
  Cached,
  CacheModule,
  CacheService,
  defineNamespace,
  InMemoryStorage,
  json,
  stringKey,
} from '../../../dist/src/index.js';
import { draws, valueOf } from '../support/keys.mjs';
import { compare, processorTime } from '../support/rounds.mjs';

const COUNT = 1000;
const DRAWS = 65_536;
/** Of the call that the decorator stands for. */
const TARGETS = { '@Cached': 0.2 };

const users = defineNamespace({
  name: 'users',
  key: stringKey(),
  value: json(),
  persistence: 'on_shutdown',
  maxEntries: 2 * COUNT,
});

class Users {
  /** What the next load waits for. */
  gate = Promise.resolve();

  async of() {
    await this.gate;
    return {};
  }
}

const of = Object.getOwnPropertyDescriptor(Users.prototype, 'of');
Cached(users, { key: (key) => key })(Users.prototype, 'of', of);
Object.defineProperty(Users.prototype, 'of', of);

/** What a decorator costs a hit beside the call that it stands for, at rest and while some other key is loaded. */
export const decoratedHits = {
  name: 'decorated-hits',
  title: 'Awaited hits through @Cached, against getOrLoad',
  note:
    'While a decorated method loads something, AsyncLocalStorage tells whose calls are its own. Node.js up to 22 then watches every ' +
    'promise of the process, which slows all of them down, those of plain calls too, until the load is over.',
  async run() {
    class BenchModule {}
    const storage = new InMemoryStorage();
    const imports = [
      CacheModule.forRoot({
        storage,
        checkpointIntervalMs: false,
        chatNamespaces: false,
        namespaces: [users],
      }),
    ];
    const app = await NestFactory.createApplicationContext(
      { module: BenchModule, imports, providers: [Users] },
      { logger: false },
    );
    const cache = app.get(CacheService).namespace(users);
    const decorated = app.get(Users);
    for (let i = 0; i < COUNT; i += 1) await cache.set(`user:${i}`, valueOf(i));
    const keys = Array.from(draws(COUNT, DRAWS, 'zipf'), (i) => `user:${i}`);
    const load = () => {
      throw new Error('missed');
    };
    const hitsBy = (get) => async (times) => {
      for (let i = 0; i < times; i += 1) await get(keys[i & (DRAWS - 1)]);
    };
    const beside = (run) => async (times) => {
      let open;
      decorated.gate = new Promise((resolve) => {
        open = resolve;
      });
      const loading = decorated.of('loaded');
      await run(times);
      open();
      await loading;
      await cache.delete('loaded');
    };
    const plain = hitsBy((key) => cache.getOrLoad(key, load));
    const cached = hitsBy((key) => decorated.of(key));
    const results = await compare(
      [
        { name: 'getOrLoad', run: plain },
        { name: '@Cached', run: cached },
        { name: 'getOrLoad, while a decorated method loads', run: beside(plain) },
        { name: '@Cached, while one loads', run: beside(cached) },
      ],
      { now: processorTime },
    );
    await app.close();
    return results.map(({ name, perSecond, ratio, spread }) => ({
      what: name,
      'M/s': Number((perSecond / 1e6).toFixed(2)),
      ratio: Number(ratio.toFixed(2)),
      spread: `±${spread.toFixed(2)}`,
      'must reach': TARGETS[name] ?? '',
    }));
  },
};
