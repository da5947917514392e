// An application that has its database to itself: it writes without pause, says so once, and says when a write is refused.
// Each value names the process.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CacheModule,
  CachePersistenceLevel,
  CacheService,
  defineNamespace,
  json,
  stringKey,
} from '../../dist/src/index.js';

const [storage] = process.argv.slice(2);
const PAUSE_MS = 5;

const owned = defineNamespace({
  name: 'owned',
  key: stringKey(),
  value: json(),
  persistence: CachePersistenceLevel.ON_CHANGE,
});

class ClaimantModule {}
const app = await NestFactory.createApplicationContext(
  {
    module: ClaimantModule,
    imports: [
      CacheModule.forRoot({
        storage: JSON.parse(storage),
        namespaces: [owned],
        instances: 'one',
        rescueJournal: false,
      }),
    ],
  },
  { abortOnError: false },
).catch((error) => {
  console.log(`not started: ${error.code} ${error.message}`);
  process.exit(3);
});
app.enableShutdownHooks();
const cache = app.get(CacheService).namespace(owned);
console.log('serving');
let refusals = 0;
for (let n = 0; ; n += 1) {
  try {
    await cache.set('owner', { pid: process.pid, n });
    if (n === 0) console.log('writes');
  } catch (error) {
    refusals += 1;
    if (refusals === 1) console.log(`refused: ${error.code}`);
    if (error.code === 'CACHE_CLOSED') break;
  }
  await delay(PAUSE_MS);
}
