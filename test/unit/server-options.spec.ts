import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { connectionOf } from '../../src/storage/connection-options.js';
import { postgresOptions, queryTimeoutOf } from '../../src/storage/sql/server-options.js';
import { errorWith } from '../support/definitions.js';
import { tempFolder } from '../support/temp-folder.js';

type Options = Record<string, unknown>;

/** What the cache's own connection is made with, for options or for a DataSource of them. */
function connect(storage: Options): Options {
  return connectionOf(storage as unknown as DataSourceOptions).options as unknown as Options;
}
const postgres = (url: string, more: Options = {}): Options => connect({ type: 'postgres', url, ...more });
const mysql = (url: string, more: Options = {}): Options => connect({ type: 'mysql', url, ...more });

/** The refusal of some options: coded, about `storage`, and without a word of what is secret. */
function refusalOf(storage: Options, secret = 'secret'): string {
  let error: unknown;
  try {
    connect(storage);
  } catch (reason) {
    error = reason;
  }
  expect(error).toEqual(errorWith('UNSUPPORTED_STORAGE'));
  expect(error).toMatchObject({ option: 'storage' });
  expect(inspect(error, { depth: 5, showHidden: true })).not.toContain(secret);
  return (error as Error).message;
}

/** TLS by every letter: less of it would match, too. */
function expectIn(options: Options, expected: Options): void {
  expect(options).toMatchObject(expected);
  if ('ssl' in expected) expect(options['ssl']).toEqual(expected['ssl']);
}

const folder = tempFolder();
const authority = join(folder, 'ca.pem');
writeFileSync(authority, 'an authority');

describe('the connection to PostgreSQL', () => {
  const extraOf = (more: object): unknown => postgresOptions({ type: 'postgres', ...more }, true).extra;

  it('sends statements ahead of answers, unless it is told not to', () => {
    expect(extraOf({})).toMatchObject({ pipeline: true });
    expect(extraOf({ extra: { pipeline: false } })).toMatchObject({ pipeline: false });
  });

  it('sends none ahead through pg-native, which may not be able to, and loses the codes of errors where it is', () => {
    expect(extraOf({ nativeDriver: {} })).not.toHaveProperty('pipeline');
  });
});

describe('the port of a server', () => {
  it.each([0, 70_000, -1, 1.5, Number.NaN, '5432x', '70000'])(
    'that is %s is refused, with what it may be',
    (port) => {
      for (const type of ['postgres', 'mysql'])
        expect(refusalOf({ type, host: 'h', port, database: 'db' })).toMatch(/whole number from 1 to 65535/);
    },
  );

  it('may be a text of digits, as environment variables are', () => {
    for (const type of ['postgres', 'mysql'])
      expect(connect({ type, host: 'h', port: '1', database: 'db' })).toMatchObject({ port: '1' });
  });
});

describe('the TLS of a server, given as a text beside the url', () => {
  it('is a yes or a no where the text is one', () => {
    expect(postgres('postgres://h/db', { ssl: 'true' })).toMatchObject({ ssl: true });
    expect(postgres('postgres://h/db', { ssl: 'false' })).toMatchObject({ ssl: false });
    expect(postgres('postgres://h/db', { ssl: 'no-verify' })).toMatchObject({
      ssl: { rejectUnauthorized: false },
    });
    expect(mysql('mysql://h/db', { ssl: 'true' })).toMatchObject({ ssl: {} });
    expect(mysql('mysql://h/db', { ssl: 'false' })['ssl']).toBeUndefined();
    expect(mysql('mysql://h/db', { ssl: 'Amazon RDS' })).toMatchObject({ ssl: 'Amazon RDS' });
  });

  it.each(['yes', 'require', 'secret'])('is refused where it is %s', (ssl) => {
    for (const type of ['postgres', 'mysql'])
      expect(refusalOf({ type, host: 'h', database: 'db', ssl })).toMatch(/ssl must be true, false/);
  });
});

describe('the time to wait for an answer', () => {
  const timeoutOf = (timeout: unknown): number =>
    queryTimeoutOf({ type: 'postgres', extra: { query_timeout: timeout } });

  it('is a number of milliseconds, or a text of digits; 0, which is for ever elsewhere, is the default', () => {
    expect(timeoutOf(5000)).toBe(5000);
    expect(timeoutOf('5000')).toBe(5000);
    expect([undefined, null, 0, '0'].map(timeoutOf)).toEqual([30_000, 30_000, 30_000, 30_000]);
  });

  it.each(['5 s', '', -1, Number.NaN, Infinity, 2 ** 31, true, {}])(
    'is refused where it is %s',
    (timeout) => {
      expect(() => timeoutOf(timeout)).toThrow(errorWith('UNSUPPORTED_STORAGE'));
      expect(() => timeoutOf(timeout)).toThrow(/query_timeout must be a number of milliseconds/);
    },
  );
});

describe('the url of a server', () => {
  it.each([
    ['postgres://h/db', { host: 'h', database: 'db' }],
    ['postgresql://u:p@h:1/db', { host: 'h', port: 1, username: 'u', password: 'p', database: 'db' }],
    ['postgres://u%40x:p%2F%25@h/my%20db', { username: 'u@x', password: 'p/%', database: 'my db' }],
    ['postgres://u:p@ss:w@h/db', { username: 'u', password: 'p@ss:w', host: 'h' }],
    ['postgres://[::1]:5433/db', { host: '::1', port: 5433, database: 'db' }],
    ['postgres://u:p@%2Fvar%2Frun%2Fpostgresql/db', { host: '/var/run/postgresql', username: 'u' }],
    [
      'postgres://u@/db?host=/var/run/postgresql&port=1',
      { host: '/var/run/postgresql', port: 1, username: 'u' },
    ],
    ['postgres:///db?host=%2Ftmp', { host: '/tmp', database: 'db' }],
    ['postgres://h/db?user=u&password=p', { host: 'h', username: 'u', password: 'p' }],
  ])('%s is read on PostgreSQL as it is by its driver', (url, expected) => {
    const options = postgres(url);
    expect(options).toMatchObject(expected);
    expect(options).not.toHaveProperty('url');
  });

  it.each([
    ['mysql://u:p@h:1/db', { host: 'h', port: 1, username: 'u', password: 'p', database: 'db' }],
    ['mariadb://[::1]:3306/db', { host: '::1', port: 3306, database: 'db' }],
    ['mysql://u:p%25@h/my%2Ddb', { password: 'p%', database: 'my-db' }],
    ['mysql://u@h/db?socketPath=/run/mysqld.sock', { socketPath: '/run/mysqld.sock', username: 'u' }],
    ['mysql://u@%2Frun%2Fmysqld.sock/db', { socketPath: '/run/mysqld.sock', database: 'db' }],
  ])('%s is read on MySQL', (url, expected) => {
    const options = mysql(url);
    expect(options).toMatchObject(expected);
    expect(options).not.toHaveProperty('url');
  });

  it('takes from beside it what it leaves out', () => {
    const more = { username: 'u', password: 'p' };
    expect(postgres('postgres://h/db', more)).toMatchObject(more);
    expect(mysql('mysql://h/db', more)).toMatchObject(more);
    expect(postgres('postgres://h', { database: 'db' })).toMatchObject({ database: 'db' });
  });

  it('of a driver’s own options is taken too, and what they say of place and user', () => {
    expect(connect({ type: 'postgres', extra: { connectionString: 'postgres://u@h:1/db' } })).toMatchObject({
      host: 'h',
      username: 'u',
    });
    const cloud = mysql('mysql://u@h/db', { extra: { socketPath: '/cloudsql/one' } });
    expect(cloud).toMatchObject({ socketPath: '/cloudsql/one', database: 'db' });
    expect(cloud['extra']).not.toHaveProperty('socketPath');
  });

  it.each(['postgres', 'mysql'])(
    'of the master is the one that counts where there are replicas (%s)',
    (type) => {
      const master = { url: `${type}://u@h:1/db` };
      const replication = { master, slaves: [{ url: `${type}://other/other` }] };
      const options = connect({
        type,
        url: `${type}://top:secret@elsewhere/none`,
        replication,
        ssl: { ca: 'x' },
      });
      expect(options).toMatchObject({ host: 'h', port: 1, username: 'u', database: 'db', ssl: { ca: 'x' } });
      expect(options).not.toHaveProperty('replication');
      expect(options).not.toHaveProperty('password');
    },
  );

  it.each([
    ['postgres', 'postgres://u:secret%@h/db', /percent-encode/],
    ['mysql', 'mysql://u:100%secret@h/db', /percent-encode/],
    ['mysql', 'mysql://u:secret%zz@h/db', /percent-encode/],
    ['postgres', 'postgres://u:pa@ss/secret@h/db', /percent-encode/],
    ['postgres', 'postgres://u:pa?secret=x@h/db', /percent-encode/],
    ['postgres', 'postgres://u:secret#x@h/db', /percent-encode/],
    ['mysql', 'mysql://u:secret/x@h/db', /percent-encode/],
    ['postgres', 'postgres://h1:1,h2:2/secret', /several hosts/],
    ['mysql', 'mysql://u:secret@h1,h2/db', /several hosts/],
    ['postgres', 'postgres://::1/secret', /brackets/],
    ['postgres', 'mysql://u:secret@h/db', /postgres:\/\//],
    ['mysql', 'postgres://u:secret@h/db', /mysql:\/\//],
    ['postgres', 'jdbc:postgresql://h/secret', /postgres:\/\//],
    ['postgres', 'u:secret@h/db', /postgres:\/\//],
    ['postgres', 'postgres://u:secret@h:99999/db', /percent-encode/],
    ['mysql', 'mysql://u:secret@h', /names no database/],
  ])('of %s is refused, and not shown, where it can’t be heeded: %s', (type, url, remedy) => {
    expect(refusalOf({ type, url })).toMatch(remedy);
  });

  it('with a bare % is refused with the cause', () => {
    expect(() => postgres('postgres://u:50%@h/db')).toThrow(
      expect.objectContaining({ cause: expect.any(URIError) as unknown }),
    );
  });

  it.each(['postgres', 'mysql'])('that is empty leads nowhere by accident (%s)', (type) => {
    for (const url of [undefined, '']) expect(refusalOf({ type, url })).toMatch(/environment variable/);
    expect(connect({ type, url: undefined, host: 'h', database: 'db' })).toMatchObject({ host: 'h' });
  });

  it('of another database may have no parameters: TypeORM drops them', () => {
    expect(refusalOf({ type: 'cockroachdb', url: 'postgres://u:secret@h/db?sslmode=verify-full' })).toMatch(
      /beside/,
    );
    expect(connect({ type: 'mssql', url: 'mssql://u:p@h/db' })).toHaveProperty('url');
  });
});

describe('the parameters of a PostgreSQL url', () => {
  const url = (parameters: string): string => `postgres://u:secret@h/db?${parameters}`;

  it.each([
    ['application_name=bot', { applicationName: 'bot' }],
    ['fallback_application_name=bot', { applicationName: 'bot' }],
    ['connect_timeout=3', { connectTimeoutMS: 3000 }],
    ['options=-c%20search_path%3Dapp', { extra: { options: '-c search_path=app' } }],
    ['statement_timeout=500', { extra: { statement_timeout: 500 } }],
    ['idle_in_transaction_session_timeout=500', { extra: { idle_in_transaction_session_timeout: 500 } }],
    ['client_encoding=UTF8', {}],
    ['channel_binding=prefer', { extra: { enableChannelBinding: true } }],
    ['sslmode=require&channel_binding=require', { ssl: {}, extra: { enableChannelBinding: true } }],
    ['schema=app', { schema: 'app' }],
    ['connect_timeout=0', { connectTimeoutMS: 5000 }],
    ['sslmode=disable&sslrootcert=/nowhere/ca.pem', { ssl: false }],
    ['application_name=bot&application_name=bot', { applicationName: 'bot' }],
    ['sslmode=disable', { ssl: false }],
    ['ssl=false', { ssl: false }],
    ['ssl=0', { ssl: false }],
    ['ssl=true', { ssl: true }],
    ['ssl=1', { ssl: true }],
    ['ssl=no-verify', { ssl: { rejectUnauthorized: false } }],
    ['sslmode=no-verify', { ssl: { rejectUnauthorized: false } }],
    ['sslmode=require', { ssl: {} }],
    ['sslmode=verify-ca', { ssl: {} }],
    ['sslmode=verify-full', { ssl: {} }],
    ['sslmode=require&uselibpqcompat=true', { ssl: { rejectUnauthorized: false } }],
    [`sslrootcert=${authority}`, { ssl: { ca: 'an authority' } }],
    [`sslmode=verify-full&sslrootcert=${authority}`, { ssl: { ca: 'an authority' } }],
    [`sslcert=${authority}&sslkey=${authority}`, { ssl: { cert: 'an authority', key: 'an authority' } }],
    ['sslnegotiation=direct', { ssl: true, extra: { sslnegotiation: 'direct' } }],
  ])('are heeded: %s', (parameters, expected) => {
    expectIn(postgres(url(parameters)), expected);
  });

  it.each([
    ['sslmode=prefer', /fall back/],
    ['sslmode=allow', /fall back/],
    ['ssl=maybe', /true, false or no-verify/],
    ['ssl=true&sslmode=disable', /contradict/],
    ['sslmode=verify-ca&uselibpqcompat=true', /sslrootcert/],
    ['sslrootcert=/nowhere/ca.pem', /ENOENT/],
    ['sslnegotiation=maybe', /postgres or direct/],
    ['sslnegotiation=direct&sslmode=disable', /needs TLS/],
    ['sslcrl=x', /ssl: \{ ca/],
    ['connect_timeout=soon', /whole number/],
    ['statement_timeout=30s', /whole number/],
    ['host=h1,h2', /several hosts/],
    ['target_session_attrs=standby', /takes writes/],
    ['channel_binding=maybe', /require, prefer or disable/],
    ['gssencmode=require', /use TLS/],
    ["schema=a'b", /name the schema/],
    ['hostaddr=1', /number 1, of 8 characters.*leave it out/],
    ['max=1&rootcert=1', /number 2, of 8 characters.*ssl: \{ ca/],
    ['ca=1', /ssl: \{ ca/],
    ['search_path=app', /beside the url/],
    ['dbname=app', /behind the host/],
    ['replication=database', /leave it out/],
    ['a=1&a=2', /twice/],
  ])('that can’t be heeded are refused with the remedy: %s', (parameters, remedy) => {
    expect(refusalOf({ type: 'postgres', url: url(parameters) })).toMatch(remedy);
  });
});

describe('the parameters of a MySQL url', () => {
  const url = (parameters: string): string => `mysql://u:secret@h/db?${parameters}`;

  it.each([
    ['ssl=true', { ssl: {} }],
    ['ssl={"rejectUnauthorized":true}', { ssl: { rejectUnauthorized: true } }],
    ['ssl=Amazon%20RDS', { ssl: 'Amazon RDS' }],
    ['ssl=false', { ssl: undefined }],
    ['ssl-mode=REQUIRED', { ssl: { rejectUnauthorized: false } }],
    ['sslmode=verify_ca', { ssl: { rejectUnauthorized: true } }],
    ['ssl_mode=VERIFY_IDENTITY', { ssl: { rejectUnauthorized: true, verifyIdentity: true } }],
    ['ssl-mode=DISABLED', { ssl: undefined }],
    ['sslmode=disable', { ssl: undefined }],
    ['sslmode=require', { ssl: { rejectUnauthorized: false } }],
    ['sslmode=verify-full', { ssl: { rejectUnauthorized: true, verifyIdentity: true } }],
    ['useSSL=true', { ssl: {} }],
    ['useSSL=false&allowPublicKeyRetrieval=true', { ssl: undefined }],
    ['connect_timeout=3', { connectTimeout: 3000 }],
    ['connectTimeout=3000', { connectTimeout: 3000 }],
    ['compress=true', { extra: { compress: true } }],
    ['connectAttributes={"program":"bot"}', { extra: { connectAttributes: { program: 'bot' } } }],
    ['localAddress=127.0.0.1', { extra: { localAddress: '127.0.0.1' } }],
  ])('are heeded: %s', (parameters, expected) => {
    expectIn(mysql(url(parameters)), expected);
  });

  it.each([
    ['ssl=preferred', /true, false/],
    ['ssl={broken', /JSON/],
    ['ssl-mode=PREFERRED', /fall back/],
    ['ssl=true&ssl-mode=DISABLED', /keep one/],
    ['sslaccept=strict', /ssl: \{ ca/],
    ['tls=true', /ssl: \{ ca/],
    ['ssl-ca=/ca.pem', /ssl: \{ ca/],
    ['flags=-FOUND_ROWS', /leave it out/],
    ['useSSL=maybe', /true or false/],
    ['useSSL=true&ssl=false', /keep one/],
    ['allowPublicKeyRetrieval=false', /use TLS/],
    ['unix_socket=/x', /socketPath/],
    ['user=u', /in front/],
  ])('that can’t be heeded are refused with the remedy: %s', (parameters, remedy) => {
    expect(refusalOf({ type: 'mysql', url: url(parameters) })).toMatch(remedy);
  });
});

describe('parameters of a url that only tune', () => {
  const warningsOf = (type: string, parameters: string, secret = 'secret'): readonly string[] => {
    const url = `${type}://u:secret@h/db?${parameters}`;
    const { warnings } = connectionOf({ type, url } as unknown as DataSourceOptions);
    expect(warnings.join('\n')).not.toContain(secret);
    return warnings;
  };

  it.each([
    ['postgres', 'channel_binding=require'],
    ['postgres', 'target_session_attrs=read-write'],
    ['postgres', 'target_session_attrs=primary'],
    ['postgres', 'target_session_attrs=any'],
    ['postgres', 'gssencmode=disable'],
    ['postgres', 'timezone=UTC'],
    ['postgres', 'client_encoding=utf-8'],
    ['postgres', 'pgbouncer=false'],
    ['mysql', 'charset=utf8mb4'],
    ['mysql', 'timezone=Z'],
    ['mysql', 'timezone=%2B00:00'],
    ['mysql', 'multipleStatements=false&supportBigNumbers=true&bigNumberStrings=true&dateStrings=false'],
    ['mysql', 'allowPublicKeyRetrieval=true'],
  ])('are taken silently where they ask for what is done anyway: %s, %s', (type, parameters) => {
    expect(warningsOf(type, parameters)).toEqual([]);
  });

  it.each([
    [
      'postgres',
      'pgbouncer=true&connection_limit=1&pool_timeout=0',
      'pgbouncer, connection_limit, pool_timeout',
    ],
    [
      'postgres',
      'keepalives=1&keepalives_idle=30&connect_timeout=0',
      'keepalives, keepalives_idle, connect_timeout',
    ],
    ['postgres', 'max=5&timezone=Europe/Berlin', 'max, timezone'],
    [
      'postgres',
      'lock_timeout=1&query_timeout=1&client_encoding=LATIN1',
      'lock_timeout, query_timeout, client_encoding',
    ],
    ['mysql', 'charset=latin1&timezone=local&dateStrings=true', 'charset, timezone, dateStrings'],
    ['mysql', 'connectionLimit=5&multipleStatements=true', 'connectionLimit, multipleStatements'],
    ['mysql', 'serverVersion=10.11&reconnect=true', 'serverVersion, reconnect'],
  ])('are ignored with one warning that names them: %s, %s', (type, parameters, names) => {
    const [warning, ...others] = warningsOf(type, parameters);
    expect(warning).toContain(`were ignored: ${names}. `);
    expect(others).toEqual([]);
  });

  it.each(['postgres', 'mysql'])(
    'and that nobody knows are counted, not named: one may be a torn password (%s)',
    (type) => {
      expect(warningsOf(type, 'hunter2=1&constructor=1', 'hunter2')).toEqual([
        expect.stringMatching(/were ignored: 2 that neither cache nor driver knows\./),
      ]);
      expect(refusalOf({ type, url: `${type}://u:a@h/db?tlshunter2=1` }, 'hunter2')).toMatch(/ssl: \{ ca/);
    },
  );
});

describe('a url with blanks or line breaks', () => {
  it('around it is read without them', () => {
    expect(postgres('\n postgres://u:p@h/db\r\n')).toMatchObject({ host: 'h', database: 'db' });
    expect(mysql('mysql://u:p@h/db\n')).toMatchObject({ host: 'h', database: 'db' });
    expect(connect({ type: 'cockroachdb', url: ' postgres://u:p@h/db\n' })['url']).toBe(
      'postgres://u:p@h/db',
    );
    expect(refusalOf({ type: 'postgres', url: ' \n' })).toMatch(/environment variable/);
    expect(refusalOf({ type: 'sqlite', database: '\npostgres://u:secret@h/db' })).toMatch(/path of a file/);
  });

  it.each([
    { type: 'postgres', url: 'postgres://u:p@h/secret\nb' },
    { type: 'postgres', url: 'postgres://u:p@h/secret%0Ab' },
    { type: 'postgres', host: 'secret\n', database: 'db' },
    { type: 'mysql', url: 'mysql://u:p@h/db?socketPath=/secret%0A' },
    { type: 'cockroachdb', url: 'postgres://u:p@h/secret\nb' },
  ])('inside it is refused, and none is shown: %j', (storage) => {
    const message = refusalOf(storage);
    expect(message).toMatch(/line break/);
    expect(message).not.toMatch(/\p{Cc}/u);
  });
});

describe('what is empty', () => {
  it('counts as not given', () => {
    const empty = { host: '', socketPath: '', user: '', ssl: '', replication: null };
    expect(postgres('postgres://h/db', { ...empty, extra: { connectionString: '' } })).toMatchObject({
      host: 'h',
    });
    expect(mysql('mysql://h/db', { ...empty, extra: { uri: '' } })).toMatchObject({
      host: 'h',
      ssl: undefined,
    });
    expect(refusalOf({ type: 'postgres', url: '', host: '', database: '' })).toMatch(/environment variable/);
  });
});

describe('the schema of a PostgreSQL url', () => {
  it('is the one beside it, or there is none', () => {
    expect(postgres('postgres://h/db?schema=app', { schema: 'app' })).toMatchObject({ schema: 'app' });
    expect(refusalOf({ type: 'postgres', url: 'postgres://h/db?schema=app', schema: 'other' })).toMatch(
      /keep one/,
    );
  });
});

describe('what stands beside replication', () => {
  const connectTo = (master: Options, beside: Options): Options =>
    connect({ type: 'postgres', replication: { master, slaves: [] }, ...beside });
  const beside = { username: 'u', password: 'p', database: 'db', port: 1 };

  it('is taken for what the master leaves out', () => {
    expect(connectTo({ host: 'h' }, { ...beside, host: 'other' })).toMatchObject({ host: 'h', ...beside });
    expect(connectTo({}, { ...beside, host: 'h' })).toMatchObject({ host: 'h', ...beside });
    expect(connectTo({ url: 'postgres://h/db' }, beside)).toMatchObject({
      host: 'h',
      username: 'u',
      password: 'p',
    });
  });

  it('is never the password of another user, or the port of another address', () => {
    expect(connectTo({ host: 'h', username: 'v' }, beside)).not.toHaveProperty('password');
    const options = connectTo({ url: 'postgres://v@h/db' }, beside);
    expect(options).toMatchObject({ username: 'v' });
    expect(options).not.toHaveProperty('password');
    expect(options).not.toHaveProperty('port');
  });
});

describe('TLS in a url and beside it', () => {
  const ca = { ca: 'an authority' };

  it('is taken from beside it where the url only says yes', () => {
    expect(postgres('postgres://h/db?ssl=true', { ssl: ca })).toMatchObject({ ssl: ca });
    expect(mysql('mysql://h/db?ssl=true', { ssl: ca })).toMatchObject({ ssl: ca });
    expect(postgres('postgres://h/db?sslmode=require', { ssl: true })).toMatchObject({ ssl: {} });
  });

  it('is taken where both say the same', () => {
    const ssl = { rejectUnauthorized: false };
    expect(postgres('postgres://h/db?sslmode=no-verify', { ssl })).toMatchObject({ ssl });
    expect(mysql('mysql://h/db?ssl-mode=REQUIRED', { ssl })).toMatchObject({ ssl });
  });

  it.each([
    ['postgres', 'sslmode=no-verify', ca],
    ['postgres', 'sslmode=disable', true],
    ['postgres', 'sslmode=require', false],
    ['postgres', 'ssl=false', ca],
    ['mysql', 'ssl-mode=REQUIRED', ca],
    ['mysql', 'ssl=false', ca],
  ])('is refused where one would be lost: %s, %s', (type, parameters, ssl) => {
    expect(refusalOf({ type, url: `${type}://u:secret@h/db?${parameters}`, ssl })).toMatch(/keep one/);
  });

  it('is the app’s object no more where the driver writes into it, and the very one where a copy would lose a key', () => {
    const ssl = { ca: 'x' };
    expect(mysql('mysql://h/db', { ssl })['ssl']).not.toBe(ssl);
    expect(postgres('postgres://h/db', { ssl })['ssl']).toBe(ssl);
  });

  it('is true for MySQL too, whose driver takes an object', () => {
    expect(mysql('mysql://h/db', { ssl: true })).toMatchObject({ ssl: {} });
  });
});

describe('options of a server', () => {
  it('with a pool too small for a writer and a reader are refused', () => {
    for (const poolSize of [0, 1, 2.5, '3', Number.NaN]) {
      expect(refusalOf({ type: 'postgres', database: 'db', poolSize })).toMatch(/poolSize .* at least 2/);
    }
    expect(refusalOf({ type: 'postgres', database: 'db', extra: { max: 1 } })).toMatch(
      /extra\.max .* at least 2/,
    );
    expect(refusalOf({ type: 'mysql', database: 'db', extra: { connectionLimit: 1 } })).toMatch(
      /connectionLimit/,
    );
    // One more, for the session that shows that the instance lives.
    expect(connect({ type: 'postgres', database: 'db', poolSize: 2 })).toMatchObject({ poolSize: 3 });
  });

  it('of a DataSource of the app have a pool for the app', () => {
    const template = new DataSource({ type: 'postgres', database: 'db', poolSize: 1 });
    expect(connectionOf(template).options).toMatchObject({ poolSize: 4 });
  });

  it('by names of other libraries are refused', () => {
    expect(refusalOf({ type: 'postgres', user: 'u', database: 'db' })).toMatch(/username/);
    expect(refusalOf({ type: 'postgres', socketPath: '/run', database: 'db' })).toMatch(/host: '/);
    expect(refusalOf({ type: 'mysql', database: 'db', extra: { uri: 'mysql://u:secret@h' } })).toMatch(/url/);
    expect(refusalOf({ type: 'postgres', host: 'h1,h2', database: 'db' })).toMatch(/several hosts/);
    expect(refusalOf({ type: 'postgres', replication: {}, database: 'db' })).toMatch(/master/);
  });

  it('leave how values come back to the cache', () => {
    const extra = { charset: 'latin1', dateStrings: true, decimalNumbers: true, compress: true };
    expect(mysql('mysql://h/db', { extra })).toMatchObject({
      charset: 'utf8mb4',
      extra: { compress: true, enableKeepAlive: true },
    });
    expect(mysql('mysql://h/db', { extra })['extra']).not.toHaveProperty('charset');
    expect(postgres('postgres://h/db', { extra: { binary: true } })['extra']).not.toHaveProperty('binary');
  });
});

describe('options of SQLite', () => {
  it.each(['sqlite', 'better-sqlite3'])(
    'without a file, or with an address for one, are refused (%s)',
    (type) => {
      for (const database of [undefined, null, '', 5]) {
        expect(refusalOf({ type, database })).toMatch(/database: 'data\/cache.sqlite'/);
      }
      expect(refusalOf({ type, url: 'sqlite://secret' })).toMatch(/database: 'data\/cache.sqlite'/);
      expect(refusalOf({ type, database: 'postgres://u:secret@h/db' })).toMatch(/path of a file/);
    },
  );
});

describe('what would seem to keep the rows of applications apart, and does not', () => {
  it('is refused in options of the cache’s own, with what does', () => {
    for (const type of ['sqlite', 'postgres', 'mariadb']) {
      const storage = { type, database: 'data/cache.sqlite', entityPrefix: 'secret_' };
      expect(refusalOf(storage)).toMatch(/no entityPrefix: they are cache_storage.*a schema each/);
      expect(() => connect({ ...storage, entityPrefix: '' })).not.toThrow();
    }
    for (const type of ['mysql', 'mariadb']) {
      const storage = { type, url: `${type}://u@h/db`, schema: 'secret' };
      expect(refusalOf(storage)).toMatch(/that is the database/);
    }
  });

  it('is warned of where a DataSource of the application has it for its own tables', () => {
    const template = new DataSource({ type: 'postgres', url: 'postgres://u@h/db', entityPrefix: 'app_' });
    const { options, warnings } = connectionOf(template);
    expect(options).not.toHaveProperty('entityPrefix');
    expect(warnings).toEqual([expect.stringMatching(/^The DataSource given as storage has an entityPrefix/)]);
    const withSchema = new DataSource({ type: 'mysql', url: 'mysql://u@h/db', schema: 'x' } as never);
    expect(connectionOf(withSchema).options).not.toHaveProperty('schema');
  });
});

describe('a charset that MySQL or MariaDB is to speak', () => {
  it.each(['latin1', 'utf8', 'UTF8_GENERAL_CI'])('is warned of, since it does nothing: %s', (charset) => {
    const { options, warnings } = connectionOf({ type: 'mariadb', url: 'mariadb://u@h/db', charset });
    expect(options).toMatchObject({ charset: 'utf8mb4' });
    expect(warnings).toEqual([expect.stringContaining('charset does nothing here')]);
  });

  it.each(['utf8mb4', 'UTF8MB4_UNICODE_CI', undefined])('is nothing to speak of when it is %s', (charset) => {
    const storage = { type: 'mysql', url: 'mysql://u@h/db', charset } as DataSourceOptions;
    expect(connectionOf(storage).warnings).toEqual([]);
    expect(connectionOf(new DataSource({ ...storage, charset: 'latin1' } as never)).warnings).toEqual([]);
  });
});
