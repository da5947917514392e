// An application under a mixed load, for as long as its parent likes. It says `ready`, begins on the line `go`, prints a line of
// JSON for each sample of what it holds, and ends on the line `stop`: it closes, opens the cache again, and prints what it
// found of all that it had been acknowledged.
import 'reflect-metadata';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { CacheModule, CacheService } from '../../dist/src/index.js';
import { sample, sampleAtRest, watchConnections } from './support/gauges.mjs';
import { Load, NAMESPACES } from './support/load.mjs';

const { storage, sampleMs } = JSON.parse(process.argv[2]);
watchConnections();
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const parent = createInterface({ input: process.stdin });
const told = async (expected) => {
  const [line] = await once(parent, 'line');
  if (line !== expected) throw new Error(`Told '${line}' instead of '${expected}'.`);
};

const before = await sample();
let app = await start();
const load = new Load(app.get(CacheService));
print({ ready: true });
await told('go');
const stopped = told('stop').then(() => load.stop());
const sampling = (async () => {
  while (!load.isStopped) {
    await delay(sampleMs);
    print({ sample: await sample() });
  }
})();
await load.run();
await stopped;
await sampling;
await app.close();
const after = await sampleAtRest(before);

app = await start();
const lost = await load.lostBy(app.get(CacheService));
await app.close();
parent.close();
print({ ended: { before, after, lost, ...load.report } });

async function start() {
  class SoakModule {}
  const options = { storage, namespaces: NAMESPACES, chatNamespaces: false, checkpointIntervalMs: 300 };
  const started = await NestFactory.createApplicationContext(
    { module: SoakModule, imports: [CacheModule.forRoot(options)] },
    { logger: false, abortOnError: false },
  );
  started.enableShutdownHooks();
  return started;
}
