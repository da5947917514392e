import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from '../../src/index.js';
import { Child } from '../support/child-process.js';
import { startApp } from '../support/nest-app.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

/** A dozen among the tests; `npm run crash` makes it hundreds. */
const KILLS = Number(process.env['CRASH_KILLS'] ?? 12);
const WRITER = join(import.meta.dirname, 'writer.mjs');
const folder = tempFolder();
const postgres = await postgresServer();
const mariadb = await mariadbServer();

interface Target {
  readonly name: string;
  readonly kills: number;
  /** A new database; `undefined` where there is no such server. */
  readonly storage: () => Promise<DataSourceOptions> | undefined;
}

const FEWER = Math.ceil(KILLS / 4);
const TARGETS: Target[] = [
  {
    name: 'SQLite, sqlite3',
    kills: KILLS,
    storage: async () => ({ type: 'sqlite', database: join(folder, 'sqlite3.sqlite') }),
  },
  {
    name: 'SQLite, better-sqlite3',
    kills: FEWER,
    storage: async () => ({ type: 'better-sqlite3', database: join(folder, 'better.sqlite') }),
  },
  {
    name: 'PostgreSQL',
    kills: FEWER,
    storage: () => postgres?.newDatabase().then((url) => ({ type: 'postgres', url })),
  },
  {
    name: 'MariaDB',
    kills: FEWER,
    storage: () => mariadb?.newDatabase().then((url) => ({ type: 'mariadb', url })),
  },
];

interface Version {
  readonly version: number;
  readonly value: { readonly version: number } | null;
}

/** What a killed writer said of one key: its last acknowledged write, and one it may have begun after that. */
interface KeyHistory {
  acknowledged?: Version;
  begun?: Version;
}

function historyOf(output: string): Map<string, KeyHistory> {
  const history = new Map<string, KeyHistory>();
  // The last line may have been cut by the kill.
  for (const line of output.slice(0, output.lastIndexOf('\n')).split('\n')) {
    const { begun, acknowledged, version, value } = JSON.parse(line) as Version & {
      begun?: string;
      acknowledged?: string;
    };
    const key = begun ?? acknowledged;
    if (key === undefined) continue;
    const entry = history.get(key) ?? {};
    if (begun === undefined) entry.acknowledged = { version, value };
    else entry.begun = { version, value };
    history.set(key, entry);
  }
  return history;
}

describe('a process killed with SIGKILL under load', () => {
  it.each(TARGETS)(
    'has kept every acknowledged write, and shows no key older than that ($name)',
    { timeout: 60_000 + KILLS * 5000 },
    async ({ name, kills, storage }) => {
      const options = await storage();
      if (options === undefined) return;
      const history = new Map<string, KeyHistory>();
      let version = 1;
      let acknowledged = 0;
      for (let kill = 0; kill < kills; kill += 1) {
        const notes = join(folder, `${name} ${kill}.ndjson`);
        const child = new Child(process.execPath, [WRITER, JSON.stringify(options), notes, `${version}`]);
        // Killed somewhere in the flow of acknowledgements.
        await child.prints(new RegExp(`\\.{${1 + Math.floor(Math.random() * 600)}}`));
        child.kill('SIGKILL');
        expect((await child.ended).signal).toBe('SIGKILL');
        for (const [key, entry] of historyOf(readFileSync(notes, 'utf8'))) {
          history.set(key, { ...history.get(key), ...entry });
          acknowledged += entry.acknowledged === undefined ? 0 : 1;
          version = Math.max(version, (entry.begun?.version ?? 0) + 1);
        }
        await expectKept(options, history);
      }
      console.log(
        `${name}: ${kills} kills, ${acknowledged} last acknowledged writes of keys checked, none lost.`,
      );
      expect(acknowledged).toBeGreaterThan(kills);
    },
  );

  async function expectKept(storage: DataSourceOptions, history: Map<string, KeyHistory>): Promise<void> {
    const durable = defineNamespace({
      name: 'durable',
      key: stringKey(),
      value: json<{ version: number }>(),
    });
    const app = await startApp([CacheModule.forRoot({ storage, namespaces: [durable] })]);
    const cache = app.get(CacheService).namespace(durable);
    for (const [key, { acknowledged, begun }] of history) {
      const stored = (await cache.get(key)) ?? null;
      const allowed = [acknowledged, begun].filter((one) => one !== undefined).map((one) => one.value);
      // A write that was begun and not acknowledged may have committed or not; before any acknowledgement, nothing was there.
      if (acknowledged === undefined) allowed.push(null);
      expect(allowed).toContainEqual(stored);
      // What was found is what the next life builds on.
      history.set(key, { acknowledged: { version: stored?.version ?? 0, value: stored } });
    }
    await app.close();
    if (storage.type !== 'sqlite' && storage.type !== 'better-sqlite3') return;
    const dataSource = await new DataSource(storage).initialize();
    expect(await dataSource.query('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    await dataSource.destroy();
  }
});
