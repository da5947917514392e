// An application that awaits none of its writes. Each line of its standard input has it do something; it prints what
// becomes of it.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { createInterface } from 'node:readline';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from '../../dist/src/index.js';

const [database, writeTimeoutMs] = process.argv.slice(2);
const levels = ['memory', 'on_change', 'on_shutdown'];
const definitions = levels.map((persistence) =>
  defineNamespace({ name: persistence, key: stringKey(), value: json(), persistence, maxEntries: 2 }),
);

class UnawaitedModule {}
const app = await NestFactory.createApplicationContext(
  {
    module: UnawaitedModule,
    imports: [
      CacheModule.forRoot({
        storage: { type: 'sqlite', database },
        writeTimeoutMs: Number(writeTimeoutMs),
        checkpointIntervalMs: false,
        overrides: { users: { persistence: 'on_change' } },
        namespaces: definitions,
      }),
    ],
  },
  { logger: ['error', 'warn', 'fatal', 'log'] },
);
app.enableShutdownHooks();
const service = app.get(CacheService);
const caches = definitions.map((definition) => service.namespace(definition));

/** Every method that writes, with a key and a value; and what they resolve to, for nobody. */
function writeAll(key, value, options) {
  for (const cache of caches) {
    void cache.set(key, value, options);
    void cache.setMany([[key, value]], options);
    void cache.update(key, () => value, options);
    void cache.setIfAbsent(key, value, options);
    void cache.increment(key);
    void cache.take(key);
    void cache.touch(key, options ?? { ttlMs: 1000 });
    void cache.delete(key);
    void cache.deleteMany([key]);
    void cache.rename(key, 'other');
    void cache.clear();
  }
}

const commands = {
  /** Entries that are not in memory: what builds on them has to read. */
  async fill() {
    for (const cache of caches) for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 1);
    await service.persistAll();
  },
  async write() {
    writeAll('a', 1);
    void service.setChatSettings(1, { a: 1 });
    void service.setChatInfo(1, { a: 1 });
    void service.setUserData(1, 1, 'a', 1);
    service.setUserState(1, 'a', 1);
    service.clearUserState(1);
    void service.clearNamespace('chatUsers');
  },
  async refuse() {
    writeAll('', 1);
    writeAll('a', undefined);
    writeAll('a', 1, 5000);
    for (const cache of caches)
      void cache.update('a', () => {
        throw new TypeError('of the application');
      });
    void service.setChatSettings(1, 5);
    void service.setChatInfo(1, undefined);
    void service.setUserData(1, 1, '', 1);
    void service.setUserData('1', 1, 'a', 1);
    void service.clearNamespace('nobody declared this');
  },
  async chain() {
    void caches[0].set('', 1).then(() => console.log('never'));
  },
  async settled() {
    // Every write has its end when a later one has.
    await Promise.allSettled(caches.map((cache) => cache.set('last', 1)));
    await new Promise((resolve) => setTimeout(resolve, 20));
  },
};

process.on('exit', () => console.log('exit'));
if (process.env['WATCH'] === 'yes')
  process.on('unhandledRejection', (error) => console.log(`unhandled ${error.code}`));
console.log('ready');
for await (const command of createInterface({ input: process.stdin })) {
  await commands[command]();
  console.log(`done ${command}`);
}
await app.close();
