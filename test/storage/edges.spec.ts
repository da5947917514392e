import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CacheModule,
  CacheService,
  defineNamespace,
  json,
  stringKey,
  type CachePersistenceLevel,
  type NamespaceCache,
} from '../../src/index.js';
import { errorWith, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let files = 0;

/** Names that are something else to an object, to SQL or to a path. */
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  "'; DROP TABLE cache_storage; --",
  '" OR "1" = "1',
  '%',
  '_',
  '?',
  '$1',
  ':key',
  '\\',
  '../../etc/passwd',
  'line\nbreak',
  ' ',
  'é',
  'e\u0301',
  '😀',
];

const VALUES: [string, unknown][] = [
  ['half of a surrogate pair', { text: '\ud800', '\udc00': 1 }],
  ['a NUL character', { 'a\0b': 'c\0' }],
  ['a text that is SQL', "'); DELETE FROM cache_storage; --"],
  ['5 MB of text', '😀'.repeat(1_250_000)],
  ['100 000 properties', Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`p${i}`, i]))],
  ['nesting of 500 levels', nested(500)],
  ['keys that mean something to an object', JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}')],
  ['the last digits of numbers', [0.1 + 0.2, -0, 1e308, 5e-324, Number.MAX_SAFE_INTEGER]],
];

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i += 1) value = i % 2 === 0 ? [value] : { value };
  return value;
}

describe.each([ON_CHANGE, ON_SHUTDOWN])('a SQLite database behind %s', (persistence) => {
  let database: string;
  let app: INestApplicationContext;

  function definitionOf(name: string): ReturnType<typeof definition> {
    return definition(name, persistence);
  }

  async function start(names: readonly string[]): Promise<NamespaceCache<string, unknown>[]> {
    const namespaces = names.map(definitionOf);
    app = await startApp([CacheModule.forRoot({ storage: { type: 'sqlite', database }, namespaces })]);
    return namespaces.map((namespace) => app.get(CacheService).namespace(namespace));
  }

  beforeEach(() => {
    database = join(folder, `${(files += 1)}.sqlite`);
  });

  afterEach(async () => {
    await app.close();
  });

  it.each(VALUES)('gives back %s byte for byte', async (_what, value) => {
    const [cache] = await start(['values']);
    await cache?.set('a', value);
    await app.close();
    const [again] = await start(['values']);
    const stored = await again?.get('a');
    expect(JSON.stringify(stored)).toBe(JSON.stringify(value));
    expect('admin' in Object.prototype).toBe(false);
  });

  it('keeps keys apart whatever they look like', async () => {
    const [cache] = await start(['keys']);
    await cache?.setMany(NAMES.map((key, i) => [key, i]));
    await app.close();
    const [again] = await start(['keys']);
    expect(await again?.getMany(NAMES)).toEqual(NAMES.map((_, i) => i));
    expect(await again?.deleteMany(NAMES.slice(1))).toBe(NAMES.length - 1);
    await app.close();
    const [last] = await start(['keys']);
    expect([...(last?.entries() ?? [])]).toEqual([['__proto__', 0]]);
  });

  it('keeps namespaces apart whatever they are called', async () => {
    const caches = await start(NAMES);
    await Promise.all(caches.map((cache, i) => cache.set('a', i)));
    await caches[3]?.clear();
    await app.close();
    const again = await start(NAMES);
    const values = await Promise.all(again.map((cache) => cache.get('a')));
    expect(values).toEqual(NAMES.map((_, i) => (i === 3 ? undefined : i)));
    const stats = app.get(CacheService).getStats();
    for (const name of NAMES) expect(Object.hasOwn(stats, name), name).toBe(true);
  });

  it.each([
    ['of a megabyte', 'k'.repeat(1_000_000)],
    ['with a NUL character', 'a\0b'],
    ['with half of a surrogate pair', '\ud800'],
  ])('refuses a key %s, and changes nothing', async (_what, key) => {
    const [cache] = await start(['refused']);
    for (const call of [cache?.set(key, 1), cache?.get(key), cache?.delete(key), cache?.rename('a', key)]) {
      await expect(call).rejects.toThrow(errorWith('INVALID_KEY'));
    }
    const dataSource = await new DataSource({ type: 'sqlite', database }).initialize();
    expect(await dataSource.query('SELECT COUNT(*) AS "count" FROM "cache_storage"')).toEqual([{ count: 0 }]);
    await dataSource.destroy();
  });
});

function definition(name: string, persistence: CachePersistenceLevel) {
  return defineNamespace({ name, key: stringKey(), value: json(), persistence });
}
