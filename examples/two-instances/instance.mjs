// One of two processes on one database. The parent says what it is to do, and is told what it sees.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from 'nestjs-durable-cache';

const { DATABASE_URL: url, DATABASE_FILE: database, NAME: name } = process.env;
/** How often the reader looks at its memory, ms: that is no question to the database. */
const LOOK_EVERY_MS = 1;

const prices = defineNamespace({ name: 'prices', key: stringKey(), value: json() });
const storage = url === undefined ? { type: 'better-sqlite3', database } : { type: 'postgres', url };

class App {}
Module({
  imports: [CacheModule.forRoot({ storage, instances: 'many', namespaces: [prices], chatNamespaces: false })],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
const cache = app.get(CacheService).namespace(prices);

async function obey(message) {
  if (message.set !== undefined) await cache.set('apples', { price: message.set, at: Date.now() });
}
process.on('message', (message) => void obey(message));
// Also where the parent has failed.
process.once('disconnect', () => void app.close());

let seen;
async function look() {
  const price = process.connected ? await cache.get('apples') : undefined;
  if (!process.connected) return;
  if (price !== undefined && price.price !== seen) {
    seen = price.price;
    process.send({ name, sees: seen, afterMs: Date.now() - price.at });
  }
  setTimeout(() => void look(), LOOK_EVERY_MS);
}
process.send({ name, isReady: true });
void look();
