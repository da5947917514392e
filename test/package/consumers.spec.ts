import { readFileSync } from 'node:fs';
import { postgresServer } from '../support/services.js';
import { describeConsumer } from './support/consumer-contract.js';

/** The README's first example in TypeScript: it compiles as it is printed. */
const [, example = 'README.md has no example.'] =
  /^```ts\n(.*?)^```$/ms.exec(readFileSync('README.md', 'utf8')) ?? [];

const postgres = await postgresServer();
const newDatabase = async (): Promise<string> => (await postgres?.newDatabase()) ?? '';
const DATABASE_URL = await newDatabase();

describeConsumer('sqlite', {
  natives: ['sqlite3', 'better-sqlite3'],
  example,
  tests: true,
  copy: { from: 'data/cache.sqlite', to: 'copy.sqlite' },
});

describeConsumer('better-sqlite3', {
  natives: ['better-sqlite3'],
  copy: { from: 'data/cache.sqlite', to: 'copy.sqlite' },
});

describeConsumer('nest-11-commonjs', {
  natives: ['sqlite3', 'better-sqlite3'],
  example,
  tests: true,
  copy: { from: 'data/scores.sqlite', to: 'copy.sqlite' },
});

describeConsumer('postgres-template', {
  skip: postgres === undefined,
  variables: { DATABASE_URL },
  copy: { from: DATABASE_URL, to: await newDatabase() },
  // A table of the app's own, in the database that the cache is in too.
  also: { write: ['POST', '/roster/ada'], read: ['GET', '/roster'], answer: [{ name: 'ada' }] },
});
