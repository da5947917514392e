import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { CacheModule, CacheService } from '../../src/index.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { expectKept, refusalOf, remedyIn } from '../support/foreign-tables.js';
import { startApp } from '../support/nest-app.js';
import { postgresServer } from '../support/services.js';

const server = await postgresServer();

describe.skipIf(server === undefined)('row-level security of PostgreSQL', () => {
  const roles: [url: string, role: string][] = [];

  async function run(url: string, ...statements: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }

  afterAll(async () => {
    for (const [url, role] of roles) await run(url, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`);
  });

  /** A database with the cache's table, and a role of its name who may read and write it. */
  async function withRole(): Promise<{ url: string; as: { type: 'postgres'; url: string } }> {
    const url = (await server?.newDatabase()) ?? '';
    await expectKept({ type: 'postgres', url }, { keepsOld: false });
    const role = new URL(url).pathname.slice(1);
    await run(
      url,
      `CREATE ROLE ${role} LOGIN`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON cache_storage, cache_instances, cache_changes TO ${role}`,
      `GRANT SELECT ON cache_migrations, cache_identity TO ${role}`,
    );
    roles.push([url, role]);
    return { url, as: { type: 'postgres', url: Object.assign(new URL(url), { username: role }).href } };
  }

  it('stops the start of a user whose deletes its policies would hide, with the statement that ends it', async () => {
    const { url, as } = await withRole();
    await run(
      url,
      'ALTER TABLE cache_storage ENABLE ROW LEVEL SECURITY',
      'CREATE POLICY r ON cache_storage FOR SELECT USING (true)',
      'CREATE POLICY i ON cache_storage FOR INSERT WITH CHECK (true)',
      'CREATE POLICY u ON cache_storage FOR UPDATE USING (true)',
    );
    for (const migrationsRun of [true, false]) {
      const message = await refusalOf(as, migrationsRun);
      expect(message).toMatch(/row-level security holds for the cache's user, whose policies .* BYPASSRLS/);
      expect(remedyIn(message)).toMatch(/DISABLE ROW LEVEL SECURITY;$/);
    }
    await run(url, remedyIn(await refusalOf(as)));
    await expectKept(as, { keepsOld: false });
  });

  it('stops the start of the owner where it is forced, and not otherwise', async () => {
    const { url, as } = await withRole();
    const role = new URL(as.url).username;
    await run(
      url,
      `ALTER TABLE cache_storage OWNER TO ${role}`,
      `ALTER TABLE cache_migrations OWNER TO ${role}`,
      `ALTER TABLE cache_identity OWNER TO ${role}`,
      'ALTER TABLE cache_storage ENABLE ROW LEVEL SECURITY',
    );
    await expectKept(as, { keepsOld: false });
    await run(url, 'ALTER TABLE cache_storage FORCE ROW LEVEL SECURITY');
    await run(url, remedyIn(await refusalOf(as)));
    await expectKept(as, { keepsOld: false });
  });

  it('that comes while the app runs makes deletes fail, rather than miss rows and be acknowledged', async () => {
    const { url, as } = await withRole();
    const names = namespaceOf<string>(ON_CHANGE, { name: 'names' });
    const app = await startApp([
      CacheModule.forRoot({
        storage: as,
        namespaces: [names],
        chatNamespaces: false,
        rescueJournal: false,
        writeTimeoutMs: 1000,
      }),
    ]);
    const cache = app.get(CacheService).namespace(names);
    await cache.set('a', 'kept');
    await run(
      url,
      'ALTER TABLE cache_storage ENABLE ROW LEVEL SECURITY',
      'CREATE POLICY r ON cache_storage FOR SELECT USING (true)',
    );
    await expect(cache.delete('a')).rejects.toEqual(errorWith('WRITE_FAILED'));
    expect(await cache.get('a')).toBe('kept');
    await app.close();
  });
});
