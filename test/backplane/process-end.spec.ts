import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Child } from '../support/child-process.js';
import { freePort } from '../support/free-port.js';
import { postgresServer, redisServer } from '../support/services.js';

const dist = join(import.meta.dirname, '../../dist/src');
const postgres = await postgresServer();
const redis = await redisServer();

/** What a program does that opens a backplane and then has nothing to do. */
const PROGRAM = `
  const { postgresBackplane } = require('${dist}/index.js');
  const { redisBackplane } = require('${dist}/integrations/redis/index.js');
  const { TypeOrmStorage } = require('${dist}/storage/typeorm-storage.js');
  const channel = (more) => ({ name: 'ndc_end', onMessage: () => undefined, onState: (state) => console.log(state), ...more });

  async function onRedis(url) {
    const backplane = redisBackplane({ url });
    await backplane.open(channel());
    await backplane.publish('a');
    console.log('published');
  }

  async function onPostgres(url) {
    const storage = new TypeOrmStorage({ storage: { type: 'postgres', url }, migrationsRun: true, synchronous: 'full' });
    await storage.open();
    const backplane = postgresBackplane();
    await backplane.open(channel({ database: storage.connectMessages }));
    await backplane.publish('a');
    console.log('published');
  }
`;

let child: Child | undefined;

const run = (call: string): Promise<{ code: number | null; output: string }> => {
  child = new Child(process.execPath, ['-e', `${PROGRAM}\n${call}`]);
  return child.ended;
};

// One that is kept alive would stay when its test has failed.
afterEach(() => child?.kill('SIGKILL'));

describe('a process that has nothing to do', () => {
  it.skipIf(redis === undefined)('is not kept alive by a backplane on Redis that is open', async () => {
    expect(await run(`onRedis('${redis ?? ''}')`)).toMatchObject({ code: 0, output: 'up\npublished\n' });
  });

  it.skipIf(postgres === undefined)(
    'is not kept alive by a backplane on PostgreSQL that is open',
    async () => {
      const url = (await postgres?.newDatabase()) ?? '';
      expect(await run(`onPostgres('${url}')`)).toMatchObject({ code: 0, output: 'up\npublished\n' });
    },
  );

  it('is not kept alive by a backplane that goes on trying', async () => {
    const call = `onRedis('redis://127.0.0.1:${await freePort()}').catch((error) => console.log(error.code))`;
    expect(await run(call)).toMatchObject({ code: 0, output: 'ECONNREFUSED\n' });
  });
});
