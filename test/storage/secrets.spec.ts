import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import type { DataSourceOptions } from 'typeorm';
import { DataSource } from 'typeorm';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, isCacheError, type StoredEntry } from '../../src/index.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { mariadbServer, postgresServer, type TestServer } from '../support/services.js';

const PASSWORD = 'pa55 w:o/r@d?';
const USER = 'cache_test_user';
const VALUE = 'a value that is nobody’s business';

interface Kind {
  readonly type: 'postgres' | 'mariadb';
  readonly name: string;
  readonly server: TestServer | undefined;
  readonly code: string;
}

const KINDS: readonly Kind[] = [
  { type: 'postgres', name: 'PostgreSQL', server: await postgresServer(), code: '28' },
  { type: 'mariadb', name: 'MariaDB', server: await mariadbServer(), code: 'ER_ACCESS_DENIED' },
];

function storageOn(storage: DataSourceOptions | DataSource): TypeOrmStorage {
  return new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' });
}

/** All that an error shows, with its causes and what hangs on them. */
function everythingOf(error: unknown): string {
  const parts: string[] = [];
  for (let part: unknown = error; part !== undefined; part = (part as { cause?: unknown }).cause) {
    const { message, stack } = part as Partial<Error>;
    parts.push(inspect(part, { depth: 10, showHidden: true }), JSON.stringify([part, message, stack]));
  }
  return parts.join('\n');
}

async function openError(storage: DataSourceOptions | DataSource): Promise<Error> {
  let error: unknown;
  try {
    await storageOn(storage).open();
  } catch (reason) {
    error = reason;
  }
  expect(isCacheError(error)).toBe(true);
  return error as Error;
}

function expectNoSecret(text: string): void {
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), 'pa55', VALUE])
    expect(text).not.toContain(secret);
}

for (const { type, name, server, code } of KINDS)
  describe.skipIf(server === undefined)(`${name}: what errors and logs show`, () => {
    /** The server's address with a user and a password of the test's. */
    async function address(): Promise<URL> {
      const url = new URL((await server?.newDatabase()) ?? '');
      url.username = USER;
      url.password = encodeURIComponent(PASSWORD);
      return url;
    }

    it('is no password when it is wrong, in the url or beside it', async () => {
      const url = await address();
      const apart = {
        type,
        host: url.hostname,
        port: Number(url.port),
        username: USER,
        password: PASSWORD,
        database: url.pathname.slice(1),
      };
      const given: DataSourceOptions[] = [{ type, url: url.href }, apart];
      for (const storage of given) {
        for (const way of [storage, new DataSource(storage)]) {
          const error = await openError(way);
          expect(error.message).toContain('could not open its database');
          expect(error.message).toContain(`at ${url.host}`);
          // A server that trusts everyone on this machine does not know the user.
          expect(error.message).toContain(code);
          expect(error.message).toContain('Check user and password');
          expectNoSecret(everythingOf(error));
        }
      }
    });

    it('is no password when the host can’t be reached or is none', async () => {
      for (const host of ['127.0.0.1:1', 'nowhere.invalid', 'not a host']) {
        const error = await openError({
          type,
          url: `${type === 'postgres' ? 'postgres' : 'mysql'}://${USER}:${encodeURIComponent(PASSWORD)}@${host}/test`,
        });
        expectNoSecret(everythingOf(error));
        const storage = storageOn({ type, host, username: USER, password: PASSWORD, database: 'test' });
        expectNoSecret(storage.describe());
        expectNoSecret(everythingOf(storage));
      }
    });

    it('names database, host and port', async () => {
      const url = await address();
      expect(storageOn({ type, url: url.href }).describe()).toBe(
        `${type} ${url.pathname.slice(1)} at ${url.host}`,
      );
      expect(storageOn({ type, database: 'app' }).describe()).toBe(
        `${type} app at localhost:${type === 'postgres' ? 5432 : 3306}`,
      );
    });

    it('is no value when the database refuses one', async () => {
      const url = (await server?.newDatabase()) ?? '';
      const definition = namespaceOf<string>(ON_CHANGE, { name: 'secrets' });
      const log = new NestLog();
      const output = [
        vi.spyOn(console, 'log').mockReturnValue(undefined),
        vi.spyOn(console, 'warn').mockReturnValue(undefined),
        vi.spyOn(console, 'error').mockReturnValue(undefined),
      ];
      const app = await startApp(
        [
          CacheModule.forRoot({
            storage: { type, url },
            namespaces: [definition],
            chatNamespaces: false,
            rescueJournal: false,
          }),
        ],
        log,
      );
      const cache = app.get(CacheService).namespace(definition);
      const db = await new DataSource({ type, url }).initialize();
      await db.query("ALTER TABLE cache_storage ADD CONSTRAINT refused CHECK (value NOT LIKE '%business%')");
      const error: unknown = await cache.set('key', VALUE).catch((reason: unknown) => reason);
      expect(error).toEqual(errorWith('ENTRY_REFUSED'));
      expectNoSecret(everythingOf(error));
      await db.query('DROP TABLE cache_storage');
      const gone: unknown = await cache.get('other').catch((reason: unknown) => reason);
      expectNoSecret(everythingOf(gone));
      await db.destroy();
      await app.close();
      expectNoSecret(log.lines.join('\n'));
      expectNoSecret(output.flatMap((spy) => spy.mock.calls.flat().map(String)).join('\n'));
      for (const spy of output) spy.mockRestore();
    });

    it('is no part of a value that holds quotes, and the table is named all the same', async () => {
      const url = (await server?.newDatabase()) ?? '';
      let storage = storageOn({ type, url });
      await storage.open();
      const write = async (value: string | null): Promise<Error> => {
        const put = { key: 'k', value, expiresAt: null } as StoredEntry;
        return writeChanges(storage, [{ namespace: 'n', puts: [put] }], 1).then(
          () => new Error('taken'),
          (reason: Error) => reason,
        );
      };
      expect((await write(null)).message).toMatch(/column ['"]value['"]/i);
      const db = await new DataSource({ type, url }).initialize();
      await db.query(
        type === 'postgres'
          ? 'ALTER TABLE cache_storage ALTER COLUMN value TYPE integer USING 1'
          : 'ALTER TABLE cache_storage MODIFY value INT',
      );
      await db.destroy();
      // What a session has prepared has the old type. A start that is to write would refuse the new one.
      await storage.close();
      storage = new TypeOrmStorage({
        storage: { type, url },
        migrationsRun: true,
        readsOnly: true,
        synchronous: 'full',
      });
      await storage.open();
      const SECRET = 'PRIVATE';
      for (const value of [
        `it's ${SECRET}`,
        `say "${SECRET}`,
        `'" ${SECRET} "'`,
        `value" ${SECRET} "key" ${SECRET}`,
        `value' ${SECRET} 'key' ${SECRET}`,
        `column "value" ${SECRET} column 'value' ${SECRET}`,
        `'${`${SECRET}' `.repeat(200)}`,
      ]) {
        const error = await write(value);
        expect(error.message).toMatch(/integer/);
        expect(everythingOf(error)).not.toContain(SECRET);
      }
      await storage.close();
    });

    it('is no value when one does not fit a row', async () => {
      const storage = storageOn({ type, url: (await server?.newDatabase()) ?? '' });
      await storage.open();
      const put: StoredEntry = {
        key: `${VALUE}${randomBytes(6000).toString('hex')}`,
        value: VALUE,
        expiresAt: null,
      };
      const error: unknown = await writeChanges(storage, [{ namespace: 'n', puts: [put] }], 1).catch(
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(Error);
      expect(storage.classify(error)).toBe('permanent');
      expectNoSecret(everythingOf(error));
      await storage.close();
    });
  });

describe('a url whose password is not encoded', () => {
  it.each(['12/secret', '12#secret', '12?secret', '12/se?cret'])(
    'is refused, and not shown: %s',
    (password) => {
      const url = `postgres://bob:${password}@db.example.com/app`;
      const open = (): unknown =>
        new TypeOrmStorage({ storage: { type: 'postgres', url }, migrationsRun: true, synchronous: 'full' });
      expect(open).toThrow(errorWith('UNSUPPORTED_STORAGE'));
      expect(open).toThrow(/percent-encode/);
      expect(open).not.toThrow(/cret/);
    },
  );

  it('is told from one with an @ in its place', () => {
    for (const url of ['postgres://bob:se%2Fcret@host/db', 'postgres://host/db?application_name=a@b']) {
      const storage = new TypeOrmStorage({
        storage: { type: 'postgres', url },
        migrationsRun: true,
        synchronous: 'full',
      });
      expect(storage.describe()).toBe('postgres db at host:5432');
    }
  });
});

describe('a storage without its driver', () => {
  it.each([
    ['mssql', 'mssql'],
    ['oracle', 'oracledb'],
    ['sap', '@sap/hana-client'],
  ] as const)('of type %s is refused with the package to install', (type, driver) => {
    const options = { type, host: 'localhost', username: USER, password: PASSWORD } as DataSourceOptions;
    let error: unknown;
    try {
      storageOn(options);
    } catch (reason) {
      error = reason;
    }
    expect(error).toMatchObject({ code: 'UNSUPPORTED_STORAGE', option: 'storage' });
    expect((error as Error).message).toContain(`npm install ${driver}`);
    expectNoSecret(everythingOf(error));
  });

  it('of a type that TypeORM does not know, or that is no SQL database, is refused', () => {
    for (const type of ['sqlite3', 'mongodb', undefined]) {
      expect(() => storageOn({ type } as unknown as DataSourceOptions)).toThrow(
        errorWith('UNSUPPORTED_STORAGE'),
      );
    }
  });

  it.each([
    ['sqlite3', /Did you mean 'sqlite'/],
    ['postgresql', /Did you mean 'postgres'/],
    ['redis', /'sqlite', 'better-sqlite3', 'postgres', 'mysql', 'mariadb'/],
    [`postgres://bob:${PASSWORD}@host/db`, /'sqlite', 'better-sqlite3', 'postgres', 'mysql', 'mariadb'/],
  ])('of an unknown type is told of the types there are: %s', (type, remedy) => {
    let error: unknown;
    try {
      storageOn({ type, url: 'postgres://h/x?ssl=1', password: PASSWORD } as unknown as DataSourceOptions);
    } catch (reason) {
      error = reason;
    }
    expect(error).toEqual(errorWith('UNSUPPORTED_STORAGE'));
    expect((error as Error).message).toMatch(remedy);
    expectNoSecret(everythingOf(error));
  });
});

afterAll(() => vi.restoreAllMocks());
