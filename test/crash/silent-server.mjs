// Opens a storage on a server, says so, and closes it when told, after a write or a few reads: then nothing keeps it alive.
import 'reflect-metadata';
import { once } from 'node:events';
import { TypeOrmStorage } from '../../dist/src/storage/typeorm-storage.js';

const [type, url, what] = process.argv.slice(2);
const storage = new TypeOrmStorage({
  storage: { type, url, extra: { query_timeout: 1000 } },
  migrationsRun: true,
  synchronous: 'full',
});
await storage.open();
await Promise.all([1, 2, 3].map(() => storage.read('n', ['a'])));
console.log('open');
await once(process.stdin, 'data');
process.stdin.destroy();
if (what === 'write') {
  const row = { namespace: 'n', key: 'a', value: '1', expiresAt: null };
  await storage.write([[row]], { stamp: 1, now: 1 }).catch(() => undefined);
}
await storage.close();
console.log('closed');
