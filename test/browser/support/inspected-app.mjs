// An application with the inspector in it, for the browser to look at. It does what its parent sends it.
import 'reflect-metadata';
import { once } from 'node:events';
import { NestFactory } from '@nestjs/core';
import {
  CacheModule,
  CachePersistenceLevel,
  CacheService,
  defineNamespace,
  json,
  numberKey,
  stringKey,
  tupleKey,
} from '../../../dist/src/index.js';
import { CacheInspectorModule } from '../../../dist/src/inspector/index.js';

const { MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN } = CachePersistenceLevel;
const { storage, inspector } = JSON.parse(process.argv[2]);

const definitions = {
  notes: defineNamespace({
    name: 'notes',
    key: stringKey(),
    value: json(),
    persistence: ON_CHANGE,
    maxEntries: 200,
  }),
  members: defineNamespace({
    name: 'members',
    key: tupleKey(numberKey(), numberKey()),
    value: json(),
    persistence: ON_CHANGE,
    maxBytes: 1_000_000,
  }),
  visits: defineNamespace({ name: 'visits', key: numberKey(), value: json(), persistence: ON_SHUTDOWN }),
  odd: defineNamespace({ name: 'a/b?c#d%', key: stringKey(), value: json(), persistence: ON_CHANGE }),
  drafts: defineNamespace({ name: 'drafts', key: stringKey(), value: json(), persistence: MEMORY_ONLY }),
};

class AppModule {}
const app = await NestFactory.create(
  {
    module: AppModule,
    imports: [
      CacheModule.forRoot({
        storage,
        namespaces: Object.values(definitions),
        chatNamespaces: false,
        rescueJournal: false,
        checkpointIntervalMs: false,
      }),
      CacheInspectorModule.forRoot(inspector),
    ],
  },
  { logger: ['error', 'warn'], abortOnError: false, forceCloseConnections: true },
);
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
const namespaces = app.get(CacheService);

process.on('message', ({ id, namespace, method, args }) => {
  const cacheOf = namespaces.namespace(definitions[namespace]);
  Promise.resolve(cacheOf[method](...args)).then(
    (result) => process.send({ id, result }),
    (error) => process.send({ id, error: String(error) }),
  );
});
process.send({ port: app.getHttpServer().address().port });
await once(process, 'disconnect');
await app.close();
