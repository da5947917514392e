import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { POSTGRES, storageOf } from '../support/server-kind.js';
import { postgresServer } from '../support/services.js';

const server = await postgresServer();

/** ReadyForQuery, outside of a transaction. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

/** An ErrorResponse with which PostgreSQL ends a session. */
function farewell(): Buffer {
  const fields = Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0', 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(fields.length + 4);
  return Buffer.concat([Buffer.from('E'), length, fields]);
}

describe.skipIf(server === undefined)('a session of PostgreSQL that is ended as soon as it begins', () => {
  let proxy: CuttingProxy;
  let storage: TypeOrmStorage;

  beforeEach(async () => {
    if (server === undefined) return;
    const url = await server.newDatabase();
    proxy = await CuttingProxy.before(url);
    storage = storageOf(POSTGRES, proxy.through(url), { poolSize: 2 });
    await storage.open();
  });

  afterEach(async () => {
    if (server === undefined) return;
    await storage.close();
    await proxy.close();
  });

  it('fails the call that asked for it, and not the process', async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown): void => void uncaught.push(error);
    process.on('uncaughtException', note);
    const stop = proxy.endAtOnce(READY, farewell());
    proxy.cutClients();
    for (let i = 0; i < 10; i += 1) await expect(storage.read('none', ['a'])).rejects.toThrow(/./);
    stop();
    process.off('uncaughtException', note);
    expect(uncaught).toEqual([]);
    expect(await storage.read('none', ['a'])).toEqual([]);
  });
});
