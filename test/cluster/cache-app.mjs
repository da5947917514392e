// What each process of the cluster opens the cache with.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  CacheModule,
  CachePersistenceLevel,
  CacheService,
  defineNamespace,
  json,
  postgresBackplane,
  stringKey,
} from '../../dist/src/index.js';
import { redisBackplane } from '../../dist/src/integrations/redis/index.js';

class ClusterModule {}

/** An application on a database that it shares. `wire` carries changes to the others, `redis` is the address of one of them. */
export function openCache({ storage, wire, redis, ...options }) {
  const backplane = {
    notify: postgresBackplane,
    redis: () => redisBackplane({ url: redis }),
    poll: () => false,
  }[wire]();
  const module = CacheModule.forRoot({
    storage,
    instances: 'many',
    backplane,
    rescueJournal: false,
    ...options,
  });
  return NestFactory.createApplicationContext(
    { module: ClusterModule, imports: [module] },
    // Nest would end the process without a word.
    { logger: false, abortOnError: false },
  );
}

/** What the namespaces of the cluster have in common. */
export const durable = {
  key: stringKey(),
  value: json(),
  persistence: CachePersistenceLevel.ON_CHANGE,
};

/** The same with one namespace, and that. */
export async function openNamespace(name, target) {
  const definition = defineNamespace({ ...durable, name });
  const app = await openCache({ ...target, namespaces: [definition] });
  return { app, cache: app.get(CacheService).namespace(definition) };
}

/** The clock that all processes of the host share, ms. */
export const now = () => Number(process.hrtime.bigint()) / 1e6;
