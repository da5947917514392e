import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommands } from '../support/page-commands.js';
import { privatePostgres } from '../support/private-postgres.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { DrillApp, type Noted } from './drill/drill-app.js';
import {
  hasPrograms,
  hasSqliteShell,
  mariadbPlace,
  postgresPlace,
  sqlitePlace,
  type Place,
  type SqliteBackup,
} from './drill/place.js';

const CLI = resolve('dist/src/cli/main.js');
/** Writes between two steps of a drill. */
const SOME = 300;
/** Of the application. */
const WRITERS = 8;
const KEYS_PER_WRITER = 3;

const root = tempFolder();
let folders = 0;

function newFolder(): string {
  const folder = join(root, `${(folders += 1)}`);
  mkdirSync(folder);
  return folder;
}

const postgres = hasPrograms('PostgreSQL') ? await postgresServer() : undefined;
const mariadb = hasPrograms('MariaDB') ? await mariadbServer() : undefined;

interface Target {
  readonly name: string;
  readonly instances: number;
  readonly place: () => Promise<Place>;
}

const onFile = (backup: SqliteBackup, type?: 'better-sqlite3'): Target => ({
  name: `SQLite, ${type ?? 'the default file'}, ${backup}`,
  instances: 1,
  place: async () => sqlitePlace(newFolder(), backup, type),
});
const TARGETS: Target[] = [onFile('backup.mjs')];
if (hasSqliteShell)
  TARGETS.push(
    onFile('Back up a SQLite file', 'better-sqlite3'),
    onFile('Back up a SQLite file that is never at rest'),
  );
if (postgres !== undefined)
  TARGETS.push({ name: 'PostgreSQL', instances: 2, place: () => postgresPlace(newFolder(), postgres) });
if (mariadb !== undefined)
  TARGETS.push({ name: 'MariaDB', instances: 2, place: () => mariadbPlace(newFolder(), mariadb) });

const running = new Set<DrillApp>();
afterAll(async () => {
  for (const app of running) await app.end('SIGKILL');
});

async function start(
  place: Pick<Place, 'folder' | 'storage'>,
  name: string,
  instances?: 'one',
): Promise<DrillApp> {
  const app = await DrillApp.start({ name, folder: place.folder, storage: place.storage, instances });
  running.add(app);
  return app;
}

async function startAll(place: Place, names: readonly string[]): Promise<[DrillApp, ...DrillApp[]]> {
  const apps: DrillApp[] = [];
  // One after the other, as the page says.
  for (const name of names) apps.push(await start(place, name));
  return apps as [DrillApp, ...DrillApp[]];
}

const namesOf = (life: string, instances: number): string[] =>
  Array.from({ length: instances }, (_, i) => `${life}-${i + 1}`);

async function entriesOf(app: DrillApp, of: 'ledger' | 'drafts'): Promise<ReadonlyMap<string, unknown>> {
  return new Map((await app.ask('entries', { of })) as [string, unknown][]);
}

async function identityOf({ database }: Place): Promise<unknown> {
  const db = await new DataSource(database).initialize();
  try {
    return await db.query('SELECT * FROM cache_identity');
  } finally {
    await db.destroy();
  }
}

/** Files of the rescue journal in the places that the page names. */
function journalsIn({ folder }: Place): string[] {
  return readdirSync(join(folder, 'data')).filter((name) => name.includes('.rescue.ndjson.'));
}

describe.each(TARGETS)(
  'a database that is lost, and restored from a backup ($name)',
  ({ instances, place: newPlace }) => {
    let place: Place;
    let identity: unknown;
    /** What its processes had noted when the backup began, and when it had ended. */
    let before: Noted[];
    let after: Noted[];
    /** What its processes have complained of until then. */
    let trouble: string[];
    /** The files that their stops have left. */
    let left: string[];
    let rows: ReadonlyMap<string, unknown>;
    let apps: [DrillApp, ...DrillApp[]];

    beforeAll(async () => {
      place = await newPlace();
      const old = await startAll(place, namesOf('old', instances));
      const [first] = old;
      for (const key of ['still', 'moved']) await first.ask('set', { of: 'drafts', key, value: 1 });
      await first.ask('flush');
      identity = await identityOf(place);
      for (const app of old) await app.ask('work');
      await Promise.all(old.map((app) => app.writesMore(SOME)));
      before = old.map((app) => app.noted());
      await place.backUp();
      after = old.map((app) => app.noted());
      trouble = old.flatMap((app) => app.output.match(/^.*(?:WARN|ERROR).*$/gm) ?? []);
      await Promise.all(old.map((app) => app.writesMore(SOME)));
      await first.ask('set', { of: 'drafts', key: 'moved', value: 2 });
      await first.ask('flush');
      await place.lose();
      for (const key of ['still', 'moved', 'new']) await first.ask('set', { of: 'drafts', key, value: 3 });
      for (const app of old) await app.end('SIGTERM');
      left = journalsIn(place);
      await place.restore();
      apps = await startAll(place, namesOf('new', instances));
      rows = await entriesOf(apps[0], 'ledger');
    }, 120_000);

    it('has all that was acknowledged before the backup began, and nothing that was begun after it had ended', () => {
      const found = before.flatMap(({ acknowledged }, i) =>
        Array.from(acknowledged, ([key, version]) => {
          const stored = (rows.get(key) as { readonly version: number } | undefined)?.version;
          expect(stored, key).toBeGreaterThanOrEqual(version);
          expect(stored, key).toBeLessThanOrEqual(after[i]?.begun.get(key) ?? 0);
          return key;
        }),
      );
      expect(found).toHaveLength(instances * WRITERS * KEYS_PER_WRITER);
    });

    it('was backed up unnoticed by those who wrote meanwhile', () => {
      expect(trouble).toEqual([]);
    });

    it('has no half of what is written together', () => {
      for (const name of namesOf('old', instances)) {
        for (let writer = 1; writer <= WRITERS; writer += 1) {
          const places = ['left', 'right'].map((side) => rows.get(`token:${name}:${writer}:${side}`));
          expect(places.filter((token) => token !== undefined)).toEqual([{ writer }]);
        }
      }
    });

    it('is the same database to the cache', async () => {
      expect(await identityOf(place)).toEqual(identity);
      for (const app of apps) expect(app.output).not.toMatch(/another database|WARN/);
    });

    it('takes from the journal what was built on rows that it has, and sets the rest aside', async () => {
      const [first] = apps;
      expect(left).toHaveLength(1);
      const drafts = Object.fromEntries(await entriesOf(first, 'drafts'));
      expect(drafts).toEqual({ still: 3, new: 3, moved: 1 });
      expect(first.output).toMatch(/Replayed .*: 2 entries written\./);
      expect(first.output).toMatch(/ERROR.*Not replayed of .*: 1 entry \(first keys: "moved"\)/);
      const [aside, ...others] = journalsIn(place);
      expect(others).toEqual([]);
      expect(aside).toContain('.conflicts-');
      const shown = execFileSync(
        process.execPath,
        [CLI, 'journal', 'show', '--values', join(place.folder, 'data', aside ?? '')],
        { encoding: 'utf8' },
      );
      expect(shown).toMatch(/moved/);
    });

    it('serves, and its instances see and share what they write', async () => {
      const last = apps.at(-1) ?? apps[0];
      expect(await last.ask('health')).toMatchObject({ status: 'up', reasons: [], instances });
      await apps[0].ask('set', { of: 'ledger', key: 'greeting', value: 'hello' });
      expect(await last.ask('get', { of: 'ledger', key: 'greeting', fresh: true })).toBe('hello');
      const counts = apps.flatMap((app) =>
        Array.from({ length: 25 }, () => app.ask('count', { of: 'ledger', key: 'count' })),
      );
      await Promise.all(counts);
      for (const app of apps)
        expect(await app.ask('get', { of: 'ledger', key: 'count', fresh: true })).toBe(25 * instances);
    });
  },
);

describe.each(TARGETS.filter(({ instances }) => instances > 1))(
  'an instance that nobody stops for a restore ($name)',
  ({ place: newPlace }) => {
    const backedUp = async (instances?: 'one'): Promise<[Place, DrillApp]> => {
      const place = await newPlace();
      const app = await start(place, 'left', instances);
      await app.ask('set', { of: 'ledger', key: 'k', value: 'of the backup' });
      await place.backUp();
      await app.ask('set', { of: 'ledger', key: 'k', value: 'newer' });
      return [place, app];
    };

    it('finds that its log is gone, and goes on with the restored rows', async () => {
      const [place, app] = await backedUp();
      await place.restoreOver();
      await app.hasPrinted(/has gone back to what it was before|have taken this one for dead/);
      expect(await app.ask('get', { of: 'ledger', key: 'k', fresh: true })).toBe('of the backup');
      await app.ask('set', { of: 'ledger', key: 'k', value: 'newest' });
      const other = await start(place, 'other');
      expect(await other.ask('get', { of: 'ledger', key: 'k' })).toBe('newest');
    });

    it('writes no more where it is one that works alone', async () => {
      const [place, app] = await backedUp('one');
      await place.restoreOver();
      await app.hasPrinted(/FATAL.*has taken the database of the cache over/);
      await expect(app.ask('set', { of: 'ledger', key: 'k', value: 'newest' })).rejects.toThrow(
        'INSTANCE_RUNNING',
      );
      await app.end('SIGTERM');
      const other = await start(place, 'other', 'one');
      expect(await other.ask('get', { of: 'ledger', key: 'k' })).toBe('of the backup');
    });
  },
);

it.runIf(postgres)('a copy on PostgreSQL becomes another database by the command for that', async () => {
  if (postgres === undefined) return;
  const place = await postgresPlace(newFolder(), postgres);
  await (await start(place, 'original')).end('SIGKILL');
  const identity = await identityOf(place);
  await place.becomeAnother();
  await (await start(place, 'copy')).end('SIGTERM');
  const another = await identityOf(place);
  expect(another).toHaveLength(1);
  expect(another).not.toEqual(identity);
});

it('a base backup of a PostgreSQL server holds what was acknowledged before it began', async () => {
  const server = postgres && (await privatePostgres());
  if (server === undefined) return;
  try {
    const folder = newFolder();
    const place: Pick<Place, 'folder' | 'storage'> = {
      folder,
      storage: { type: 'postgres', url: server.url },
    };
    const app = await start(place, 'based');
    await app.ask('work');
    await app.writesMore(SOME);
    const { acknowledged } = app.noted();
    await runCommands('Back up a whole PostgreSQL server', {
      cwd: folder,
      env: { DATABASE_URL: server.url },
    });
    await app.writesMore(SOME);
    await app.end('SIGKILL');
    await server.stop('SIGKILL');
    server.replaceData(join(folder, 'base'));
    await server.start();
    const rows = await entriesOf(await start(place, 'after'), 'ledger');
    for (const [key, version] of acknowledged)
      expect((rows.get(key) as { readonly version: number }).version, key).toBeGreaterThanOrEqual(version);
    expect(acknowledged.size).toBe(WRITERS * KEYS_PER_WRITER);
  } finally {
    for (const app of running) await app.end('SIGKILL');
    await server.remove();
  }
});

describe('what the page says of a SQLite file', () => {
  /** An application that is killed with commits in the write-ahead log. */
  async function killedApp(place: Place): Promise<void> {
    const app = await start(place, 'killed');
    await app.ask('set', { of: 'ledger', key: 'k', value: 'newer' });
    await app.end('SIGKILL');
    expect(statSync(join(place.folder, 'data/cache.sqlite-wal')).size).toBeGreaterThan(0);
  }

  async function valueIn(database: string): Promise<unknown> {
    const db = await new DataSource({ type: 'better-sqlite3', database }).initialize();
    try {
      const found: { value: string }[] = await db.query("SELECT value FROM cache_storage WHERE key = 'k'");
      return found[0]?.value;
    } finally {
      await db.destroy();
    }
  }

  it('holds: a copy of the file alone lacks the newest commits', async () => {
    const place = sqlitePlace(newFolder(), 'backup.mjs');
    const app = await start(place, 'copied');
    await app.ask('set', { of: 'ledger', key: 'k', value: 'acknowledged' });
    const copy = join(place.folder, 'copy.sqlite');
    copyFileSync(join(place.folder, 'data/cache.sqlite'), copy);
    await expect(valueIn(copy)).rejects.toThrow('no such table: cache_storage');
    await place.backUp();
    expect(await valueIn(join(place.folder, 'backup/cache.sqlite'))).toBe('"acknowledged"');
  });

  it('holds: a write-ahead log that is left would come over a restored file', async () => {
    const place = sqlitePlace(newFolder(), 'backup.mjs', 'better-sqlite3');
    const file = join(place.folder, 'data/cache.sqlite');
    const first = await start(place, 'first');
    await first.ask('set', { of: 'ledger', key: 'k', value: 'of the backup' });
    await place.backUp();
    await first.end('SIGTERM');
    await killedApp(place);
    // As somebody would who knows of one file only.
    copyFileSync(join(place.folder, 'backup/cache.sqlite'), file);
    const wrong = await valueIn(file).catch((error: unknown) => error);
    expect(wrong).not.toBe('"of the backup"');
    await place.restore();
    // With a log beside it, as a crash leaves the file that is to be restored.
    await killedApp(place);
    await place.restore();
    expect(await valueIn(file)).toBe('"of the backup"');
  });

  it.runIf(hasSqliteShell)('holds: the check of a copy says whether it is whole', async () => {
    const place = sqlitePlace(newFolder(), 'backup.mjs');
    const app = await start(place, 'checked');
    await app.ask('work');
    await app.writesMore(SOME);
    await place.backUp();
    const check = (): Promise<string> => runCommands('Check a copy of a SQLite file', { cwd: place.folder });
    expect((await check()).trim()).toBe('ok');
    const copy = join(place.folder, 'backup/cache.sqlite');
    const bytes = readFileSync(copy);
    writeFileSync(copy, bytes.fill(1, 4096, bytes.length));
    expect((await check().catch(String)).trim()).not.toBe('ok');
  });
});
