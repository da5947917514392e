// An application whose cache is busy, with the inspector in it: what the screenshots show.
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
const { database, share } = JSON.parse(process.argv[2]);

const sessions = defineNamespace({
  name: 'sessions',
  key: stringKey(),
  value: json(),
  persistence: ON_CHANGE,
  maxEntries: 2000,
  ttlMs: 3_600_000,
});
const consents = defineNamespace({
  name: 'consents',
  key: numberKey(),
  value: json(),
  persistence: ON_CHANGE,
});
const chats = defineNamespace({
  name: 'chats',
  key: tupleKey(numberKey(), numberKey()),
  value: json(),
  persistence: ON_CHANGE,
  maxEntries: 500,
});
const visits = defineNamespace({
  name: 'visits',
  key: numberKey(),
  value: json(),
  persistence: ON_SHUTDOWN,
  maxEntries: 1000,
});
const translations = defineNamespace({
  name: 'translations',
  key: stringKey(),
  value: json(),
  persistence: MEMORY_ONLY,
  maxEntries: 300,
});
const namespaces = [sessions, consents, chats, visits, translations];

class AppModule {}
const app = await NestFactory.create(
  {
    module: AppModule,
    imports: [
      CacheModule.forRoot({
        storage: { type: 'sqlite', database },
        instances: 'many',
        namespaces,
        chatNamespaces: false,
        checkpointIntervalMs: 9000,
      }),
      CacheInspectorModule.forRoot({ actions: true }),
    ],
  },
  { logger: ['error', 'warn'], forceCloseConnections: true },
);
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
const cache = app.get(CacheService);
const of = (definition) => cache.namespace(definition);
const any = (below) => Math.floor(Math.random() * below);
const CITIES = ['Kyiv', 'Riga', 'Lisbon', 'Osaka', 'Quito'];

let at = 0;
/** Goes up and down, as an application's day does. */
const tide = () => 1 + Math.sin(at / 12) * 0.6 + Math.random() * 0.5;

async function live() {
  at += 1;
  const calls = [];
  for (let i = 0; i < 30 * tide() * share; i += 1) {
    const id = any(900);
    calls.push(
      of(sessions).get(`session:${String(id).padStart(4, '0')}`),
      of(visits).update(any(700), (before = 0) => before + 1),
      of(translations).getOrLoad(`de:${any(400)}`, () => Promise.resolve(`Übersetzung ${id}`)),
    );
    if (i % 5 === 0)
      calls.push(
        of(sessions).set(`session:${String(id).padStart(4, '0')}`, {
          user: id,
          city: CITIES[id % CITIES.length],
          cart: [
            { item: 'tea', price: 4.5 },
            { item: 'cup', price: 12 },
          ].slice(id % 3),
          theme: id % 2 === 0 ? 'dark' : 'light',
        }),
        of(chats).update([any(20), any(30)], (chat = { messages: 0 }) => ({
          ...chat,
          messages: chat.messages + 1,
          language: 'en',
        })),
      );
    if (i % 17 === 0) calls.push(of(consents).set(any(200), { newsletter: id % 2 === 0, at: '2026-01-02' }));
  }
  await Promise.allSettled(calls);
}

const beat = setInterval(() => void live(), 250);
process.send({ port: app.getHttpServer().address().port });
await once(process, 'disconnect');
clearInterval(beat);
await app.close();
