import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';

type Options = Record<string, unknown>;

function storageOn(options: Options): TypeOrmStorage {
  const storage = options as unknown as DataSourceOptions;
  return new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' });
}
const journalOf = (options: Options): string | undefined => storageOn(options).rescuePath;

/** Databases that differ in one thing each. */
const DIFFERENT: readonly Options[] = [
  { url: 'postgres://h/app' },
  { url: 'postgres://h/App' },
  { url: 'postgres://h/app2' },
  { url: 'postgres://h2/app' },
  { url: 'postgres://h:5433/app' },
  { url: 'postgres://h/app', schema: 'one' },
  { url: 'postgres://h/app?options=-csearch_path%3Dtwo' },
  { url: 'postgres://h/app?schema=three' },
  { url: 'postgres://h/app%2Eone' },
  { url: 'postgres://h/app%40h-5432' },
  { url: 'postgres://[::1]/app' },
  { url: 'postgres://[::2]/app' },
  { url: 'postgres://%2Frun%2Fa/app' },
  { url: 'postgres://%2Frun%2Fb/app' },
  { url: 'postgres://u@/app?host=/run/c' },
  { url: 'postgres://%2Frun%2Fa/app?port=5433' },
  { host: '/run/d', database: 'app' },
  { url: 'postgres://one@h' },
  { url: 'postgres://two@h' },
  { url: 'postgres://h/default' },
  { type: 'mysql', url: 'mysql://h/app' },
  { type: 'mysql', url: 'mysql://h/app?socketPath=/run/a.sock' },
  { type: 'mysql', database: 'app', extra: { socketPath: '/run/b.sock' } },
].map((options) => Object.assign({ type: 'postgres' }, options));

describe('the address of a server', () => {
  it.each([
    [{ url: 'postgres://u:secret@h/app' }, 'postgres app at h:5432'],
    [{ url: 'postgres://h:1/app', schema: 'one' }, 'postgres app (schema one) at h:1'],
    [{ url: 'postgres://u:secret@[::1]/my%20app' }, 'postgres my app at [::1]:5432'],
    [{ url: 'postgres://u@%2Frun%2Fpg/app' }, 'postgres app at /run/pg/.s.PGSQL.5432'],
    [{ url: 'postgres://u:secret@/app?host=/run/pg&port=1' }, 'postgres app at /run/pg/.s.PGSQL.1'],
    [{ host: '/run/pg', database: 'app' }, 'postgres app at /run/pg/.s.PGSQL.5432'],
    [{ url: 'postgres://secret@h' }, 'postgres (default database) at h:5432'],
    [{ type: 'mysql', url: 'mysql://u:secret@[::1]:1/app' }, 'mysql app at [::1]:1'],
    [{ type: 'mariadb', socketPath: '/run/m.sock', database: 'app' }, 'mariadb app at /run/m.sock'],
    [
      { type: 'mysql', url: 'mysql://u:secret@h/app', extra: { socketPath: '/cloud/m' } },
      'mysql app at /cloud/m',
    ],
  ])('is described as it is, without credentials: %j', (options, expected) => {
    const given = { type: 'postgres', ...options };
    expect(storageOn(given).describe()).toBe(expected);
    const template = new DataSource(given as unknown as DataSourceOptions);
    expect(storageOn(template as unknown as Options).describe()).toBe(expected);
  });

  it('with replicas is the master’s', () => {
    const replication = {
      master: { url: 'postgres://u:secret@h/app' },
      slaves: [{ url: 'postgres://other/b' }],
    };
    expect(storageOn({ type: 'postgres', replication }).describe()).toBe('postgres app at h:5432');
  });

  it('in the environment is the one that the driver takes', () => {
    Object.assign(process.env, { PGHOST: '/run/env', PGPORT: '6', PGDATABASE: 'env' });
    try {
      expect(storageOn({ type: 'postgres', username: 'u' }).describe()).toBe(
        'postgres env at /run/env/.s.PGSQL.6',
      );
    } finally {
      for (const name of ['PGHOST', 'PGPORT', 'PGDATABASE']) delete process.env[name];
    }
  });
});

describe('the rescue journal of a server', () => {
  it('has a name that tells whose it is', () => {
    expect(journalOf({ type: 'postgres', url: 'postgres://u:secret@db.example.com/app' })).toBe(
      'data/app@db.example.com-5432.rescue.ndjson',
    );
    expect(journalOf({ type: 'mysql', url: 'mysql://u:secret@h/app' })).toBe('data/app@h-3306.rescue.ndjson');
  });

  it('has a name of its own for each database, on file systems that know no capitals too', () => {
    const names = DIFFERENT.map((options) => journalOf(options)?.toLowerCase());
    expect(new Set(names).size).toBe(DIFFERENT.length);
    for (const name of names) expect(name).toMatch(/^data\/[\w@.~-]{1,200}$/);
  });

  it('has the name it had, whoever connects and in whatever form the address is given', () => {
    const forms: Options[] = [
      { url: 'postgres://one:secret@h/app' },
      { url: 'postgresql://two@H:5432/app?sslmode=disable' },
      { host: 'h', port: 5432, username: 'three', database: 'app' },
      { replication: { master: { host: 'h', database: 'app' }, slaves: [] } },
      { extra: { connectionString: 'postgres://four@h/app' } },
    ];
    for (const form of forms) {
      expect(journalOf({ type: 'postgres', ...form })).toBe('data/app@h-5432.rescue.ndjson');
    }
    const mysql = { url: 'mysql://h/app' };
    expect(journalOf({ type: 'mysql', ...mysql })).toBe(journalOf({ type: 'mariadb', ...mysql }));
  });

  it('fits a file’s name, however long the names are', () => {
    const long = { type: 'postgres', url: `postgres://${'h'.repeat(250)}/${'ä'.repeat(31)}` };
    expect(journalOf(long)?.length).toBeLessThan(200);
    expect(journalOf(long)).not.toBe(journalOf({ ...long, database: 'x', url: `${long.url}b` }));
  });

  it('is looked for by the name that an earlier version gave it, too', () => {
    expect(storageOn({ type: 'postgres', url: 'postgres://h/app' }).earlierRescuePath).toBe(
      'data/app.rescue.ndjson',
    );
    expect(storageOn({ type: 'sqlite', database: 'app' }).earlierRescuePath).toBeUndefined();
  });
});
