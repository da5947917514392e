import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { forwardIpv6 } from '../support/ipv6-forwarder.js';
import { certificateFor, hasOpenssl, type Certificate } from '../support/certificate.js';
import { expectRefused, joins, MAY_NOT_JOIN, whileOpen } from '../support/opening.js';
import { privateMariadb } from '../support/private-mariadb.js';

const server = await privateMariadb();
const TABLE_RIGHTS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];
const ALL_RIGHTS = [...TABLE_RIGHTS, 'CREATE', 'ALTER', 'INDEX'];
let databases = 0;

afterAll(() => server?.remove());

describe.skipIf(server === undefined)('MariaDB', () => {
  const folder = server?.folder ?? '';
  const { hostname: host, port } = new URL(server?.url ?? 'mysql://none');
  const socketPath = join(folder, 'socket');

  /** As root, by the socket: there TLS is never asked for. */
  async function run(...statements: string[]): Promise<unknown> {
    const connection = await mysql.createConnection({ socketPath, user: 'root' });
    try {
      let rows: unknown;
      for (const statement of statements) [rows] = await connection.query(statement);
      return rows;
    } finally {
      await connection.end();
    }
  }

  /** A database, and a user of its name who has some rights on it. */
  async function newDatabase(rights: readonly string[], ...statements: string[]): Promise<string> {
    const database = `d${(databases += 1)}`;
    await run(
      `CREATE DATABASE ${database}`,
      ...statements.map((statement) => statement.replaceAll('DATABASE', database)),
      `CREATE USER ${database}@'%' IDENTIFIED BY 'secret'`,
      `GRANT ${rights.join(', ')} ON ${database}.* TO ${database}@'%'`,
    );
    return database;
  }

  const owner = (database: string, more: object = {}): Record<string, unknown> => ({
    type: 'mariadb',
    host,
    port: Number(port),
    username: database,
    password: 'secret',
    database,
    ...more,
  });
  const root = (database: string): Record<string, unknown> => ({
    type: 'mysql',
    socketPath,
    username: 'root',
    database,
  });

  describe('tells what to do about', () => {
    it.each([
      ['a wrong password', { password: 'secreter' }, 'ER_ACCESS_DENIED_ERROR', /Check user and password/],
      [
        'a database out of reach',
        { database: 'nowhere' },
        'ER_DBACCESS_DENIED_ERROR',
        /Create the database or correct/,
      ],
      [
        'a missing database',
        { ...root('nowhere'), password: undefined },
        'ER_BAD_DB_ERROR',
        /Create the database/,
      ],
      ['a server that is down', { port: 1 }, 'ECONNREFUSED', /Start the server/],
      ['a host that is none', { host: 'nowhere.invalid' }, /ENOTFOUND|EAI_AGAIN/, /correct host and port/],
      ['a socket that is not there', { socketPath: '/nowhere' }, 'ENOENT', /path of its socket/],
      ['a server without TLS', { ssl: {} }, 'HANDSHAKE_NO_SSL_SUPPORT', /offers no TLS/],
    ])('%s', async (_what, more, code, remedy) => {
      await expectRefused(owner(await newDatabase(ALL_RIGHTS), more), { code, remedy });
    });

    it.each(['ssl=true', 'ssl-mode=REQUIRED', 'ssl={"rejectUnauthorized":true}'])(
      'a server without TLS that a url asks for: it is not spoken to in plain text (%s)',
      async (parameters) => {
        const database = await newDatabase(ALL_RIGHTS);
        const storage = {
          type: 'mysql',
          url: `mysql://${database}:secret@${host}:${port}/${database}?${parameters}`,
        };
        await expectRefused(storage, { code: 'HANDSHAKE_NO_SSL_SUPPORT', remedy: /offers no TLS/ });
      },
    );

    it.each(['CREATE', 'INDEX'])('the missing right to %s', async (missing) => {
      const database = await newDatabase(ALL_RIGHTS.filter((right) => right !== missing));
      await expectRefused(owner(database), {
        code: 'ER_TABLEACCESS_DENIED_ERROR',
        remedy: new RegExp(`${missing} command denied.*Grant the user .* ${missing}`),
      });
    });

    it('the missing right to ALTER', async () => {
      const database = await newDatabase(
        ALL_RIGHTS.filter((right) => right !== 'ALTER'),
        'CREATE TABLE DATABASE.cache_storage (namespace VARCHAR(50), `key` VARCHAR(50), value TEXT, updated_at TIMESTAMP, PRIMARY KEY (namespace, `key`))',
      );
      await expectRefused(owner(database), {
        code: 'ER_TABLEACCESS_DENIED_ERROR',
        remedy: /ALTER command denied.*Grant the user .* ALTER/,
      });
    });

    it('a table whose row format takes short keys only', async () => {
      const database = await newDatabase(
        ALL_RIGHTS,
        'CREATE TABLE DATABASE.cache_storage (namespace VARCHAR(50), `key` VARCHAR(50), value TEXT, PRIMARY KEY (namespace, `key`)) ROW_FORMAT=COMPACT',
      );
      await expectRefused(owner(database), {
        code: /ER_INDEX_COLUMN_TOO_LONG|ER_TOO_LONG_KEY/,
        remedy: /run ALTER TABLE cache_storage ROW_FORMAT=DYNAMIC/,
      });
      await run(`ALTER TABLE ${database}.cache_storage ROW_FORMAT=DYNAMIC`);
      await whileOpen(owner(database));
    });

    it('a table that was changed since it was migrated, without the right to mend it', async () => {
      const database = await newDatabase(ALL_RIGHTS);
      await whileOpen(owner(database));
      await run(
        `ALTER TABLE ${database}.cache_storage MODIFY \`key\` VARBINARY(255) NOT NULL`,
        `REVOKE ALTER ON ${database}.* FROM ${database}@'%'`,
      );
      await expect(whileOpen(owner(database))).rejects.toMatchObject({
        code: 'UNSUPPORTED_STORAGE',
        message: expect.stringContaining('MODIFY `key` VARBINARY(2048) NOT NULL;') as string,
      });
      await run(`GRANT ALTER ON ${database}.* TO ${database}@'%'`);
      await whileOpen(owner(database));
    });

    it.each(TABLE_RIGHTS)('the missing right to %s', async (missing) => {
      const database = await newDatabase(ALL_RIGHTS);
      await whileOpen(owner(database));
      await run(
        `REVOKE ALL ON ${database}.* FROM ${database}@'%'`,
        `GRANT SELECT ON ${database}.cache_migrations TO ${database}@'%'`,
        `GRANT SELECT ON ${database}.cache_identity TO ${database}@'%'`,
        ...['cache_storage', 'cache_instances', 'cache_changes'].map(
          (table) => `GRANT ${TABLE_RIGHTS.join(', ')} ON ${database}.${table} TO ${database}@'%'`,
        ),
      );
      await whileOpen(owner(database));
      await run(`REVOKE ${missing} ON ${database}.cache_storage FROM ${database}@'%'`);
      await expectRefused(owner(database), {
        code: missing === 'SELECT' ? /ER_(TABLE|COLUMN)ACCESS_DENIED_ERROR/ : 'ER_TABLEACCESS_DENIED_ERROR',
        remedy: /command denied.*Grant the user SELECT, INSERT, UPDATE and DELETE/,
      });
    });

    it.each(TABLE_RIGHTS)('the missing right of an instance among others to %s', async (missing) => {
      const database = await newDatabase(ALL_RIGHTS);
      await whileOpen(owner(database));
      const log = ['cache_instances', 'cache_changes'];
      await run(
        `REVOKE ALL ON ${database}.* FROM ${database}@'%'`,
        `GRANT SELECT ON ${database}.cache_migrations TO ${database}@'%'`,
        `GRANT SELECT ON ${database}.cache_identity TO ${database}@'%'`,
        ...['cache_storage', ...log].map(
          (table) => `GRANT ${TABLE_RIGHTS.join(', ')} ON ${database}.${table} TO ${database}@'%'`,
        ),
      );
      await whileOpen(owner(database), joins(1));
      for (const [i, table] of log.entries()) {
        await run(`REVOKE ${missing} ON ${database}.${table} FROM ${database}@'%'`);
        await whileOpen(owner(database), (storage) =>
          expect(joins(2 + i)(storage)).rejects.toMatchObject(MAY_NOT_JOIN),
        );
        await run(`GRANT ${missing} ON ${database}.${table} TO ${database}@'%'`);
      }
    });

    it('a trigger that may do something else with rows, and a table that others have locked', async () => {
      const database = await newDatabase(ALL_RIGHTS);
      await whileOpen(owner(database));
      await run(
        `USE ${database}`,
        'CREATE TRIGGER t BEFORE UPDATE ON cache_storage FOR EACH ROW SET NEW.value = NEW.value',
      );
      const backup = await mysql.createConnection({ socketPath, user: 'root', database });
      await backup.query('LOCK TABLES cache_storage READ');
      await expectRefused(owner(database), {
        code: 'ER_LOCK_WAIT_TIMEOUT',
        remedy: /another session has locked it: start again/,
      });
      await backup.end();
      await whileOpen(owner(database));
    });

    it('tables without a right on them', async () => {
      const database = await newDatabase(['CREATE']);
      await whileOpen(root(database));
      await expectRefused(owner(database), {
        code: /ER_TABLE/,
        remedy: /no rights on them: grant|Grant the user/,
      });
    });

    it('a user who may have no connection more', async () => {
      const database = await newDatabase(ALL_RIGHTS);
      await run(`ALTER USER ${database}@'%' WITH MAX_USER_CONNECTIONS 1`);
      const one = await mysql.createConnection({
        host,
        port: Number(port),
        user: database,
        password: 'secret',
      });
      await expectRefused(owner(database), { code: /ER_(USER_LIMIT|TOO_MANY)/, remedy: /needs four/ });
      await one.end();
    });

    it('a server that takes no writes', async () => {
      const database = await newDatabase(ALL_RIGHTS);
      await whileOpen(owner(database));
      await run('SET GLOBAL read_only = 1');
      await expectRefused(owner(database), {
        code: 'ER_OPTION_PREVENTS_STATEMENT',
        remedy: /name the primary/,
      });
      await run('SET GLOBAL read_only = 0');
    });
  });

  describe('is reached', () => {
    it('through its socket, by a url and by options', async () => {
      const database = await newDatabase(ALL_RIGHTS);
      const credentials = `${database}:secret`;
      for (const storage of [
        { url: `mysql://${credentials}@localhost/${database}?socketPath=${socketPath}` },
        { url: `mariadb://${credentials}@${encodeURIComponent(socketPath)}/${database}` },
        { url: `mysql://${credentials}@nowhere.invalid/${database}`, extra: { socketPath } },
        { socketPath, username: database, password: 'secret', database },
        { host: socketPath, username: database, password: 'secret', database },
      ]) {
        await whileOpen({ type: 'mysql', ...storage });
      }
    });

    it('at an address of IPv6', async () => {
      const database = await newDatabase(ALL_RIGHTS);
      const forwarder = await forwardIpv6(host, Number(port));
      await whileOpen({
        type: 'mysql',
        url: `mysql://${database}:secret@[::1]:${forwarder.port}/${database}`,
      });
      forwarder.close();
    });

    it('in a database whose name has to be encoded, with a password that has a %', async () => {
      await run(
        'CREATE DATABASE `my data`',
        "CREATE USER percent@'%' IDENTIFIED BY '100%41'",
        "GRANT ALL ON `my data`.* TO percent@'%'",
      );
      const credentials = `percent:${encodeURIComponent('100%41')}`;
      await whileOpen({ type: 'mysql', url: `mysql://${credentials}@${host}:${port}/my%20data` });
      expect(await run('SELECT value FROM `my data`.cache_storage')).toEqual([{ value: '1' }]);
    });

    it('where sessions begin in safe mode, and changes what it has to', async () => {
      const database = await newDatabase(ALL_RIGHTS);
      await run("SET GLOBAL init_connect = 'SET sql_safe_updates = 1'");
      try {
        for (const _start of ['the first, which migrates', 'the second']) {
          await whileOpen(owner(database), async (storage) => {
            const puts = ['b', 'c', 'd'].map((key) => ({
              key,
              value: '1',
              expiresAt: key === 'b' ? 1 : null,
            }));
            await writeChanges(storage, [{ namespace: 'n', puts }], 1);
            await writeChanges(storage, [{ namespace: 'n', deletes: ['c'] }], 1);
            expect(await storage.purgeExpired('n', 2)).toBe(1);
            expect(await storage.count('n', 2)).toBe(2);
            await storage.clear('n', { stamp: 2, now: 2 });
            expect(await storage.count('n', 2)).toBe(0);
          });
        }
      } finally {
        await run("SET GLOBAL init_connect = ''");
      }
    });

    it('by a url as hosts and other tools print it, with a line break behind it', async () => {
      const database = await newDatabase(ALL_RIGHTS);
      const parameters = [
        'charset=utf8mb4&timezone=Z&connectionLimit=5&multipleStatements=true&serverVersion=10.11',
        'useSSL=false&allowPublicKeyRetrieval=true&reconnect=true&connect_timeout=5&unknown=1',
      ].join('&');
      const url = `mysql://${database}:secret@${host}:${port}/${database}?${parameters}\n`;
      await whileOpen({ type: 'mysql', url, ssl: '' });
      await whileOpen({
        type: 'mysql',
        url: `mysql://${database}:secret@${host}:${port}/${database}?sslmode=disable`,
      });
    });

    it('with user and password beside the url', async () => {
      const database = await newDatabase(ALL_RIGHTS);
      const { username, password } = owner(database);
      await whileOpen({ type: 'mysql', url: `mysql://${host}:${port}/${database}`, username, password });
    });
  });

  describe.skipIf(!hasOpenssl)('with TLS', () => {
    let certificate: Certificate;
    let database: string;
    const at = (parameters: string): string =>
      `mysql://${database}:secret@localhost:${port}/${database}?${parameters}`;

    beforeAll(async () => {
      if (server === undefined) return;
      certificate = certificateFor(server);
      appendFileSync(
        join(folder, 'my.cnf'),
        `ssl-cert=${certificate.certFile}\nssl-key=${certificate.keyFile}\n`,
      );
      await server.stop('SIGTERM');
      await server.start();
      database = await newDatabase(ALL_RIGHTS);
      // From here on, whoever gets in has TLS.
      await run(`ALTER USER ${database}@'%' REQUIRE SSL`);
    });

    it('is reached by the parameters of a url, and by options', async () => {
      const { pem } = certificate;
      const json = encodeURIComponent(JSON.stringify({ ca: pem }));
      for (const storage of [
        { url: at(`ssl=${json}`) },
        { url: at('ssl-mode=REQUIRED') },
        { url: at('ssl-mode=REQUIRED'), ssl: { rejectUnauthorized: false } },
        { url: at('useSSL=true'), ssl: { ca: pem } },
        { url: at('ssl=true'), ssl: { ca: pem } },
        { url: at('connectTimeout=5000'), ssl: { ca: pem, verifyIdentity: true } },
        { url: at('compress=false'), ssl: { rejectUnauthorized: false } },
      ]) {
        await whileOpen({ type: 'mysql', ...storage });
      }
    });

    it('tells what to do about a connection without it', async () => {
      for (const url of [at('connectTimeout=5000'), at('ssl=false')]) {
        await expectRefused({ type: 'mysql', url }, { code: 'ER_ACCESS_DENIED_ERROR', remedy: /set ssl/ });
      }
      await run('SET GLOBAL require_secure_transport = 1');
      const other = await newDatabase(ALL_RIGHTS);
      await expectRefused(owner(other), { code: /SECURE_TRANSPORT|ACCESS_DENIED/, remedy: /set ssl/i });
      await run('SET GLOBAL require_secure_transport = 0');
    });

    it.each(['ssl=true', 'ssl-mode=VERIFY_IDENTITY'])(
      'tells what to do about a certificate that is not trusted (%s)',
      async (parameters) => {
        await expectRefused(
          { type: 'mysql', url: at(parameters) },
          { code: /HANDSHAKE_SSL_ERROR|SELF_SIGNED_CERT/, remedy: /authority in ssl/ },
        );
      },
    );
  });
});
