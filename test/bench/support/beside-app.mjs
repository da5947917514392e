// An instance that works beside others until its input ends: it keeps no entries, and hears what the others commit.
import { once } from 'node:events';
import { openCaches } from './app.mjs';

const [storage] = process.argv.slice(2);
const { close } = await openCaches([], { storage: JSON.parse(storage), instances: 'many' });
process.stdout.write('there\n');
await once(process.stdin.resume(), 'end');
await close();
process.exit(0);
