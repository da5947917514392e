// A process to be killed. Many writers write to an ON_CHANGE namespace, each to keys of its own, so that the order of
// the writes to a key is known; a write is noted when it begins and when it was acknowledged, in a file: what has been
// written to a file outlives the process.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { openSync, writeSync } from 'node:fs';
import {
  CacheModule,
  CachePersistenceLevel,
  CacheService,
  defineNamespace,
  json,
  stringKey,
} from '../../dist/src/index.js';

const [storage, notes, firstVersion] = process.argv.slice(2);
const WRITERS = 16;
const KEYS_PER_WRITER = 3;

const durable = defineNamespace({
  name: 'durable',
  key: stringKey(),
  value: json(),
  persistence: CachePersistenceLevel.ON_CHANGE,
  maxEntries: 10,
});

class CrashModule {}
const app = await NestFactory.createApplicationContext(
  {
    module: CrashModule,
    imports: [CacheModule.forRoot({ storage: JSON.parse(storage), namespaces: [durable] })],
  },
  { logger: false },
);
const cache = app.get(CacheService).namespace(durable);
const file = openSync(notes, 'a');
const note = (line) => writeSync(file, `${JSON.stringify(line)}\n`);

async function write(writer) {
  for (let version = Number(firstVersion); ; version += 1) {
    const key = `${writer}:${version % KEYS_PER_WRITER}`;
    const kind = version % 7 === 0 ? 'delete' : version % 2 === 0 ? 'update' : 'set';
    const value = kind === 'delete' ? null : { version };
    note({ begun: key, version, value });
    if (kind === 'delete') await cache.delete(key);
    else if (kind === 'update') await cache.update(key, () => value);
    else await cache.set(key, value);
    note({ acknowledged: key, version, value });
    process.stdout.write('.');
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
