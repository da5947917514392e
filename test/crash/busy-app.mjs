// An application under load, to be ended in one way or another. It notes every acknowledged write in a file, and prints
// a dot for each.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { openSync, writeSync } from 'node:fs';
import { CacheModule, CacheService } from '../../dist/src/index.js';

const [database, notes, end] = process.argv.slice(2);

class BusyModule {}
const app = await NestFactory.createApplicationContext(
  {
    module: BusyModule,
    imports: [
      CacheModule.forRoot({
        storage: { type: 'sqlite', database },
        checkpointIntervalMs: 20,
        overrides: { chats: { maxEntries: 500 } },
      }),
    ],
  },
  { logger: ['error', 'fatal', 'log'] },
);
app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
const cache = app.get(CacheService);
const file = openSync(notes, 'a');
const acknowledged = (namespace, key, n) => {
  writeSync(file, `${JSON.stringify([namespace, key, n])}\n`);
  process.stdout.write('.');
};

let writes = 0;
async function write(writer) {
  for (let n = 1; ; n += 1) {
    const key = writer * 1000 + (n % 200);
    await cache.chats.set(key, { info: { n } });
    acknowledged('chats', `${key}`, n);
    if (n % 10 === 0) {
      await cache.setUserData(writer, n % 50, 'n', n);
      acknowledged('chatUsers', `${writer}:${n % 50}`, n);
    }
    writes += 1;
    if (writes === 3000) {
      if (end === 'exit') process.exit(3);
      if (end === 'throw')
        setImmediate(() => {
          throw new Error('uncaught');
        });
      if (end === 'reject') void Promise.reject(new Error('unhandled'));
    }
    if (n % 20 === 0)
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
  }
}

for (let writer = 1; writer <= 8; writer += 1) {
  // A write after the stop rejects: the writer is done then.
  write(writer).catch((error) => {
    if (error.code !== 'CACHE_CLOSED') throw error;
  });
}
