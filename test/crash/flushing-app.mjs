// An application whose first life stops in the middle of a flush, or whose start can be stopped in the middle of a load.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { CacheModule, CacheService, defineNamespace, json, numberKey } from '../../dist/src/index.js';

const [database, count] = process.argv.slice(2);
const many = defineNamespace({
  name: 'many',
  key: numberKey(),
  value: json(),
  persistence: 'on_shutdown',
  maxEntries: 200_000,
});

class FlushingModule {}
console.log('starting');
const app = await NestFactory.createApplicationContext(
  {
    module: FlushingModule,
    imports: [
      CacheModule.forRoot({
        storage: { type: 'sqlite', database },
        namespaces: [many],
        maxDirty: 200_000,
        checkpointIntervalMs: false,
      }),
    ],
  },
  { logger: ['error', 'fatal', 'log'] },
);
app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
const cache = app.get(CacheService).namespace(many);
console.log(`loaded ${cache.size}`);
if (count !== undefined) {
  await cache.setMany(Array.from({ length: Number(count) }, (_, i) => [i, { i }]));
  void cache.flush();
  // Some of it is in the database, and some is not.
  const look = setInterval(() => {
    const { dirty } = cache.stats();
    if (dirty === 0 || dirty === Number(count)) return;
    clearInterval(look);
    console.log(`flushing, ${dirty} left`);
  }, 1);
} else {
  await app.close();
}
