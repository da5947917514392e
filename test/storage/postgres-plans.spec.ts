import pg from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import type { RowWrite, Stamp } from '../../src/index.js';
import { PostgresDialect } from '../../src/storage/postgres/dialect.js';
import { postgresSessions } from '../../src/storage/postgres/sessions.js';
import { connectTo, POSTGRES, storageOf } from '../support/server-kind.js';
import { postgresServer } from '../support/services.js';

const server = await postgresServer();
const STAMP = 7;

/** A node of a plan, as far as it is read here. */
interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Join Type'?: string;
  readonly Plans?: readonly Plan[];
}

const row = (key: string, value: string | undefined, expects?: Stamp | null): RowWrite => ({
  namespace: 'n',
  key,
  value,
  expiresAt: null,
  expects,
});
const KINDS: readonly [string, (key: string) => RowWrite][] = [
  ['UPDATE', (key) => row(key, 'new', STAMP)],
  ['DELETE of what is expected', (key) => row(key, undefined, STAMP)],
  ['DELETE of what is expected to be absent', (key) => row(key, undefined, null)],
];

describe.skipIf(server === undefined)('the plan of a conditional write on PostgreSQL', () => {
  let url: string;
  let db: DataSource;
  let runner: QueryRunner;

  beforeAll(async () => {
    if (server !== undefined) url = await server.newDatabase();
  });

  beforeEach(async () => {
    if (server === undefined) return;
    db = await connectTo(POSTGRES, url);
    await db.query('DROP SCHEMA public CASCADE');
    await db.query('CREATE SCHEMA public');
    const storage = storageOf(POSTGRES, url);
    await storage.open();
    await storage.close();
    runner = db.createQueryRunner();
    await postgresSessions.begin(runner);
    await db.query('ALTER TABLE cache_storage SET (autovacuum_enabled = false)');
  });

  afterEach(async () => {
    if (server === undefined) return;
    await runner.release();
    await db.destroy();
  });

  async function fill(count: number, first = 0): Promise<void> {
    await db.query(
      `INSERT INTO cache_storage (namespace, key, value, version)
        SELECT 'n', 'k' || i, repeat('x', 100), $3 FROM generate_series($1::int, $2::int) i`,
      [first, first + count - 1, STAMP],
    );
  }

  /** How the server would go about it: the nodes of the plan, from the top. */
  async function nodesOf(rows: readonly RowWrite[]): Promise<Plan[]> {
    const dialect = new PostgresDialect(() => '"cache_storage"');
    const write = dialect.atOnce(rows, { stamp: STAMP + 1, now: 1 });
    const { sql, parameters } = write?.statement ?? { sql: '', parameters: [] };
    const [answer] = (await runner.query(`EXPLAIN (FORMAT JSON) ${sql}`, parameters)) as [
      { 'QUERY PLAN': [{ Plan: Plan }] },
    ];
    const below = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(below)];
    return below(answer['QUERY PLAN'][0].Plan);
  }

  const STATISTICS: readonly [string, () => Promise<unknown>][] = [
    ['an empty table that was never analysed', () => Promise.resolve()],
    ['a table that was never analysed', () => fill(20_000)],
    [
      'a table that was empty when it was analysed',
      async () => {
        await db.query('ANALYZE cache_storage');
        await fill(20_000);
      },
    ],
    [
      'a table that was small when it was analysed',
      async () => {
        await fill(50);
        await db.query('ANALYZE cache_storage');
        await fill(20_000, 50);
      },
    ],
    [
      'a table of a few pages, of which it knows everything',
      async () => {
        await fill(500);
        await db.query('VACUUM ANALYZE cache_storage');
      },
    ],
  ];

  describe.each(KINDS)('%s', (_, write) => {
    it.each(STATISTICS)('looks each row up by the primary key: %s', async (__, prepare) => {
      await prepare();
      for (const count of [1, 1000]) {
        const nodes = await nodesOf(Array.from({ length: count }, (___, i) => write(`k${i}`)));
        const types = nodes.map((node) => node['Node Type']);
        // A lone row that is given as parameters needs no loop.
        if (count > 1) expect(types).toContain('Nested Loop');
        expect(types.filter((type) => /Hash|Merge|Sort/.test(type))).toEqual([]);
        const scans = nodes.filter((node) => node['Node Type'].includes('Scan') && 'Relation Name' in node);
        expect(scans.map((node) => node['Node Type'])).toEqual([
          expect.stringMatching(/^Index (?:Only )?Scan$/),
        ]);
        expect(scans[0]?.['Index Name']).toMatch(/^PK_|pkey$/);
      }
    });
  });

  it.each([
    ['of one row', 'replace 1', [row('k1', 'new', STAMP)]],
    ['of several rows', 'replace up to 2', [row('k1', 'new', STAMP), row('k2', 'new', STAMP)]],
  ])(
    '%s, kept prepared, is that of a table of one page no longer than the next renewal',
    async (_, name, rows) => {
      const dialect = new PostgresDialect(() => '"cache_storage"');
      const commit = { stamp: STAMP, now: 1 };
      const statement = dialect.counted(rows, commit) ?? dialect.atOnce(rows, commit)?.statement;
      expect(statement).toMatchObject({ name });
      await fill(5);
      await db.query('VACUUM ANALYZE cache_storage');
      await runner.query('SET plan_cache_mode = force_generic_plan');
      if (statement !== undefined) await postgresSessions.queryNamed?.(runner, statement);
      await fill(20_000, 5);
      const scans = async (): Promise<unknown[]> => {
        const places = statement?.parameters.map(() => 'NULL').join(', ');
        const plan: { 'QUERY PLAN': string }[] = await runner.query(
          `EXPLAIN EXECUTE "durable-cache ${name}" (${places})`,
        );
        return plan.flatMap((line) => /\w+ Scan(?= .*cache_storage)/.exec(line['QUERY PLAN'])?.[0] ?? []);
      };
      expect(await scans()).toEqual(['Seq Scan']);
      await postgresSessions.renewal?.run(runner);
      expect(await scans()).toEqual(['Index Scan']);
    },
  );

  it('is renewed before a connection is used, once in 5 s', async () => {
    const storage = storageOf(POSTGRES, url);
    await storage.open();
    const now = systemClock.monotonic.bind(systemClock);
    let skew = 0;
    vi.spyOn(systemClock, 'monotonic').mockImplementation(() => now() + skew);
    const sent = vi.spyOn(pg.Client.prototype, 'query');
    const write = (): Promise<unknown> => storage.write([[row('a', '1')]], { stamp: STAMP, now: 1 });
    await write();
    expect(sent).not.toHaveBeenCalledWith('DISCARD PLANS', expect.anything());
    skew = 5000;
    await write();
    await write();
    const texts = (sent.mock.calls as unknown[][]).map(([text]) => text);
    expect(texts.filter((text) => text === 'DISCARD PLANS')).toHaveLength(1);
    vi.restoreAllMocks();
    await storage.close();
  });
});
