import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forwardIpv6 } from '../support/ipv6-forwarder.js';
import { certificateFor, hasOpenssl, type Certificate } from '../support/certificate.js';
import { systemClock } from '../../src/core/clock.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { expectRefused, joins, MAY_NOT_JOIN, whileOpen } from '../support/opening.js';
import { privatePostgres } from '../support/private-postgres.js';

const server = await privatePostgres();
const SHAPE =
  'cache_storage (namespace text, key text, value text, updated_at timestamp, PRIMARY KEY (namespace, key))';
let databases = 0;

afterAll(() => server?.remove());

describe.skipIf(server === undefined)('PostgreSQL', () => {
  const folder = server?.folder ?? '';
  const { hostname: host, port } = new URL(server?.url ?? 'postgres://none');

  async function run(database: string, ...statements: string[]): Promise<unknown[]> {
    const client = new pg.Client({ host, port: Number(port), user: 'cache', database });
    await client.connect();
    try {
      let rows: unknown[] = [];
      for (const statement of statements) ({ rows } = await client.query(statement));
      return rows;
    } finally {
      await client.end();
    }
  }

  async function newDatabase(...statements: string[]): Promise<string> {
    const database = `d${(databases += 1)}`;
    await run('postgres', `CREATE DATABASE ${database}`);
    await run(database, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC', ...statements);
    return database;
  }

  /** As the role `guest`, who owns nothing. */
  const guest = (database: string, more: object = {}): Record<string, unknown> => ({
    type: 'postgres',
    host,
    port: Number(port),
    username: 'guest',
    password: 'secret',
    database,
    ...more,
  });

  beforeAll(async () => {
    if (server === undefined) return;
    await run(
      'postgres',
      'CREATE ROLE guest LOGIN',
      "CREATE ROLE locked LOGIN PASSWORD 'secret'",
      'CREATE ROLE safe LOGIN',
    );
    writeFileSync(
      join(folder, 'data', 'pg_hba.conf'),
      [
        'local all all trust',
        'host all locked all scram-sha-256',
        'hostnossl all safe all reject',
        'host all all 127.0.0.1/32 trust',
        '',
      ].join('\n'),
    );
    await server.stop('SIGINT');
    await server.start();
  });

  describe('tells what to do about', () => {
    it.each([
      ['a wrong password', { username: 'locked', password: 'secreter' }, '28P01', /Check user and password/],
      [
        'a password that is missing',
        { username: 'locked', password: undefined },
        undefined,
        /asks for a password/,
      ],
      ['a user that is not there', { username: 'nobody' }, '28000', /Check user and password/],
      ['a missing database', { database: 'nowhere' }, '3D000', /Create the database/],
      ['a missing schema', { schema: 'nowhere', username: 'cache' }, '3F000', /Create the schema/],
      ['a server that is down', { port: 1 }, 'ECONNREFUSED', /Start the server/],
      ['a host that is none', { host: 'nowhere.invalid' }, /ENOTFOUND|EAI_AGAIN/, /correct host and port/],
      ['a socket that is not there', { host: '/nowhere' }, 'ENOENT', /path of its socket/],
      ['a server without TLS', { ssl: true }, undefined, /offers no TLS/],
      ['a server without TLS, by its url', { url: 'sslmode=verify-full' }, undefined, /offers no TLS/],
    ])('%s', async (_what, more, code, remedy) => {
      const { url: parameters, ...rest } = more as { url?: string };
      const given =
        parameters === undefined
          ? {}
          : { url: `postgres://guest:secret@${host}:${port}/postgres?${parameters}` };
      const storage = guest('postgres', { ...rest, ...given });
      await expectRefused(storage, { code, remedy });
    });

    it('a schema without the right to make tables', async () => {
      const storage = guest(await newDatabase());
      await expectRefused(storage, { code: '42501', remedy: /right to create tables/ });
    });

    it('a schema without the right to use it', async () => {
      const storage = guest(await newDatabase('CREATE SCHEMA app'), { schema: 'app' });
      await expectRefused(storage, { code: '42501', remedy: /right to create tables/ });
    });

    it('a table that another role owns', async () => {
      const database = await newDatabase(
        `CREATE TABLE ${SHAPE}`,
        'GRANT ALL ON cache_storage TO guest',
        'GRANT CREATE ON SCHEMA public TO guest',
      );
      await expectRefused(guest(database), { code: '42501', remedy: /own cache_storage.*OWNER TO/ });
    });

    it('tables of another role, without a right on them', async () => {
      const database = await newDatabase('GRANT CREATE ON SCHEMA public TO guest');
      await whileOpen({ ...guest(database), username: 'cache' });
      await expectRefused(guest(database), { code: '42501', remedy: /let it own cache_storage/ });
    });

    it.each(['SELECT', 'INSERT', 'UPDATE', 'DELETE'])('the missing right to %s', async (missing) => {
      const database = await newDatabase();
      await whileOpen({ ...guest(database), username: 'cache' });
      await run(
        database,
        'GRANT SELECT, INSERT, UPDATE, DELETE ON cache_storage, cache_instances, cache_changes TO guest',
        'GRANT SELECT ON cache_migrations, cache_identity TO guest',
      );
      await whileOpen(guest(database));
      await run(database, `REVOKE ${missing} ON cache_storage FROM guest`);
      await expectRefused(guest(database), {
        code: '42501',
        remedy: /Grant the user SELECT, INSERT, UPDATE and DELETE/,
      });
    });

    it.each(['SELECT', 'INSERT', 'UPDATE', 'DELETE'])(
      'the missing right of an instance among others to %s',
      async (missing) => {
        const database = await newDatabase();
        await whileOpen({ ...guest(database), username: 'cache' });
        await run(
          database,
          'GRANT SELECT, INSERT, UPDATE, DELETE ON cache_storage, cache_instances, cache_changes TO guest',
          'GRANT SELECT ON cache_migrations, cache_identity TO guest',
        );
        await whileOpen(guest(database), joins(1));
        for (const [i, table] of ['cache_instances', 'cache_changes'].entries()) {
          await run(database, `REVOKE ${missing} ON ${table} FROM guest`);
          await whileOpen(guest(database), (storage) =>
            expect(joins(2 + i)(storage)).rejects.toMatchObject(MAY_NOT_JOIN),
          );
          await run(database, `GRANT ${missing} ON ${table} TO guest`);
        }
      },
    );

    it('the missing right to see which migrations ran', async () => {
      const database = await newDatabase();
      await whileOpen({ ...guest(database), username: 'cache' });
      await run(database, 'GRANT INSERT ON cache_migrations TO guest', 'GRANT ALL ON cache_storage TO guest');
      await expectRefused(guest(database), { code: '42501', remedy: /SELECT on cache_migrations/ });
    });

    it('a role that may have no connection more', async () => {
      await run('postgres', 'CREATE ROLE crowd LOGIN CONNECTION LIMIT 0');
      const storage = guest('postgres', { username: 'crowd' });
      await expectRefused(storage, { code: '53300', remedy: /needs four/ });
    });

    it.each([
      ['a view', 'CREATE VIEW mine AS SELECT * FROM cache_storage'],
      [
        'a generated column',
        'ALTER TABLE cache_storage ADD COLUMN size INT GENERATED ALWAYS AS (length(key)) STORED',
      ],
    ])('%s on a table that has to change', async (_what, statement) => {
      const database = await newDatabase(`CREATE TABLE ${SHAPE}`, statement);
      const storage = { ...guest(database), username: 'cache' };
      await expectRefused(storage, {
        code: '0A000',
        remedy: /A view, a rule, a policy, a trigger or a generated column uses .*drop it/,
      });
    });

    it('a server that takes no writes', async () => {
      const database = await newDatabase();
      const storage = { ...guest(database), username: 'cache' };
      await whileOpen(storage);
      await run(database, `ALTER DATABASE ${database} SET default_transaction_read_only = on`);
      await expectRefused(storage, { code: '25006', remedy: /name the primary/ });
    });
  });

  describe('is reached', () => {
    const sessions = (database: string): Promise<unknown[]> =>
      run(
        database,
        "SELECT DISTINCT client_addr::text AS address FROM pg_stat_activity WHERE application_name = 'here'",
      );

    it.each([
      `postgres://cache@${encodeURIComponent(folder)}:${port}/DATABASE?application_name=here`,
      `postgres://cache@/DATABASE?host=${folder}&port=${port}&application_name=here`,
    ])('through its socket: %s', async (given) => {
      const database = await newDatabase();
      await whileOpen({ type: 'postgres', url: given.replace('DATABASE', database) }, async () => {
        expect(await sessions(database)).toEqual([{ address: null }]);
      });
    });

    it('through its socket by options, with the name of the application', async () => {
      const database = await newDatabase();
      const options = {
        host: folder,
        port: Number(port),
        username: 'cache',
        database,
        applicationName: 'here',
      };
      await whileOpen({ type: 'postgres', ...options }, async () => {
        expect(await sessions(database)).toEqual([{ address: null }]);
      });
    });

    it('at an address of IPv6', async () => {
      const database = await newDatabase();
      const forwarder = await forwardIpv6(host, Number(port));
      await whileOpen({ type: 'postgres', url: `postgres://cache@[::1]:${forwarder.port}/${database}` });
      forwarder.close();
    });

    it('with a search path in its url, and makes its tables there', async () => {
      const database = await newDatabase('CREATE SCHEMA app');
      const options = encodeURIComponent('-c search_path=app');
      await whileOpen({
        type: 'postgres',
        url: `postgres://cache@${host}:${port}/${database}?options=${options}`,
      });
      expect(await run(database, 'SELECT value FROM app.cache_storage')).toEqual([{ value: '1' }]);
    });

    it('with a schema in its url, and makes its tables there', async () => {
      const database = await newDatabase('CREATE SCHEMA app');
      await whileOpen({ type: 'postgres', url: `postgres://cache@${host}:${port}/${database}?schema=app` });
      expect(await run(database, 'SELECT value FROM app.cache_storage')).toEqual([{ value: '1' }]);
    });

    it('by a url as hosts and other tools print it, with a line break behind it', async () => {
      const database = await newDatabase();
      const parameters = [
        'schema=public&pgbouncer=true&connection_limit=5&pool_timeout=0&connect_timeout=0',
        'sslmode=disable&channel_binding=require&target_session_attrs=read-write&gssencmode=disable',
        'keepalives=1&keepalives_idle=30&timezone=UTC&max=5&unknown=1',
      ].join('&');
      await whileOpen({
        type: 'postgres',
        url: ` postgres://cache@${host}:${port}/${database}?${parameters}\n`,
        socketPath: '',
      });
    });

    it('with one warning in the log of the start about parameters that were ignored', async () => {
      const url = `postgres://cache@${host}:${port}/${await newDatabase()}?max=5&pool_timeout=0`;
      const logger = new RecordingLogger();
      const engine = new CacheEngine(
        () =>
          new TypeOrmStorage({
            storage: { type: 'postgres', url },
            migrationsRun: true,
            synchronous: 'full',
          }),
        resolveEngineOptions({}),
        {},
        { clock: systemClock, logger, random: Math.random },
      );
      await engine.register(namespaceOf(ON_CHANGE, { name: 'one' }));
      await engine.register(namespaceOf(ON_CHANGE, { name: 'two' }));
      expect(logger.with('warn: ')).toEqual([expect.stringContaining('were ignored: max, pool_timeout.')]);
      await engine.stop();
    });

    it('as the master of a replication, with the user beside it', async () => {
      const database = await newDatabase('GRANT CREATE ON SCHEMA public TO locked');
      const master = { host, port: Number(port) };
      const { host: _host, port: _port, ...beside } = guest(database, { username: 'locked' });
      await whileOpen({ ...beside, replication: { master, slaves: [] } });
    });

    it('in a database whose name has to be encoded', async () => {
      await run('postgres', 'CREATE DATABASE "my %41 data"');
      await whileOpen({ type: 'postgres', url: `postgres://cache@${host}:${port}/my%20%2541%20data` });
      expect(await run('my %41 data', 'SELECT value FROM cache_storage')).toEqual([{ value: '1' }]);
    });

    it('with a password beside the url', async () => {
      const database = await newDatabase('GRANT CREATE ON SCHEMA public TO locked');
      const credentials = { username: 'locked', password: 'secret' };
      await whileOpen({ type: 'postgres', url: `postgres://${host}:${port}/${database}`, ...credentials });
    });
  });

  describe.skipIf(!hasOpenssl)('with TLS', () => {
    let certificate: Certificate;
    const at = (parameters: string, name = 'localhost'): string =>
      `postgres://safe:secret@${name}:${port}/postgres?${parameters}`;

    beforeAll(async () => {
      if (server === undefined) return;
      certificate = certificateFor(server);
      appendFileSync(
        join(folder, 'data', 'postgresql.conf'),
        `ssl = on\nssl_cert_file = '${certificate.certFile}'\nssl_key_file = '${certificate.keyFile}'\n`,
      );
      await server.stop('SIGINT');
      await server.start();
      await run('postgres', 'GRANT CREATE ON SCHEMA public TO safe');
    });

    it('is reached by the parameters of a url, and by options', async () => {
      const { certFile, pem } = certificate;
      for (const storage of [
        { url: at(`sslmode=verify-full&sslrootcert=${certFile}`) },
        { url: at('sslmode=no-verify') },
        { url: at('ssl=true'), ssl: { ca: pem } },
        { url: at('application_name=x'), ssl: { ca: pem } },
        { url: at('uselibpqcompat=true&sslmode=require') },
      ]) {
        await whileOpen({ type: 'postgres', ...storage }, async () => {
          const secure = await run(
            'postgres',
            "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'safe'",
          );
          expect(secure).toEqual([{ ssl: true }]);
        });
      }
    });

    it('binds a password to the TLS it is sent through, where the url asks for that', async () => {
      const database = await newDatabase('GRANT CREATE ON SCHEMA public TO locked');
      const parameters = `sslmode=verify-full&sslrootcert=${certificate.certFile}&channel_binding=require`;
      await whileOpen({
        type: 'postgres',
        url: `postgres://locked:secret@localhost:${port}/${database}?${parameters}`,
      });
    });

    it('tells what to do about a connection without it', async () => {
      for (const url of [at('connect_timeout=5'), at('sslmode=disable')]) {
        await expectRefused({ type: 'postgres', url }, { code: '28000', remedy: /set ssl/ });
      }
    });

    it('tells what to do about a certificate that is not trusted, or of another name', async () => {
      const url = at('sslmode=verify-full');
      await expectRefused(
        { type: 'postgres', url },
        { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', remedy: /authority in ssl/ },
      );
      await expectRefused(
        { type: 'postgres', url: at(`sslrootcert=${certificate.certFile}`, host) },
        { code: 'ERR_TLS_CERT_ALTNAME_INVALID', remedy: /name that is in the server's certificate/ },
      );
    });
  });
});
