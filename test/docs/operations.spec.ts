import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { CacheModule } from '../../src/index.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { startApp } from '../support/nest-app.js';
import { commandsOfPage, runCommands } from '../support/page-commands.js';
import { tempFolder } from '../support/temp-folder.js';

const PAGE = readFileSync('docs/operations.md', 'utf8');
const ALERTS = readFileSync('docs/grafana/alerts.yml', 'utf8');
const folder = tempFolder();
const { shutdownTimeoutMs, maxDirty, checkpointIntervalMs, staleWhileDownMs, writeTimeoutMs } =
  resolveEngineOptions({});

/** The number that a pattern finds, with thousands set apart in any way. */
function numberIn(text: string, pattern: RegExp): number {
  const [, digits = ''] = pattern.exec(text) ?? [];
  if (digits === '') throw new Error(`There is no ${String(pattern)}.`);
  return Number(digits.replaceAll(/[ _]/g, ''));
}

/** The threshold of a rule. */
function thresholdOf(alert: string): number {
  return numberIn(ALERTS, new RegExp(`alert: ${alert}\\n +expr: .* > (\\d+)\\n`));
}

describe('the page on operations', () => {
  it('names the tables of the cache, and no others, and has each in its commands', async () => {
    const database = join(folder, 'cache.sqlite');
    const app = await startApp([CacheModule.forRoot({ storage: { type: 'better-sqlite3', database } })]);
    await app.close();
    const db = await new DataSource({ type: 'better-sqlite3', database }).initialize();
    const made: { name: string }[] = await db.query(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    );
    await db.destroy();
    const tables = made.map(({ name }) => name);
    expect(tables).toHaveLength(5);
    const rows = Array.from(PAGE.matchAll(/^\| `(cache_\w+)` +\|/gm), ([, name]) => name);
    expect(new Set(rows)).toEqual(new Set(tables));
    for (const title of ['Back up the tables on PostgreSQL', 'Back up the tables on MariaDB']) {
      const named = commandsOfPage()
        .get(title)
        ?.match(/cache_\w+/g);
      expect(new Set(named), title).toEqual(new Set(tables));
    }
  });

  it('lets nobody else read what a backup command writes', () => {
    const backups = [...commandsOfPage()].filter(([title]) =>
      /^Back up (?:the tables|a SQLite file)/.test(title),
    );
    expect(backups.length).toBe(4);
    for (const [title, commands] of backups) expect(commands, title).toMatch(/^umask 077\n/);
  });

  it('restores a file whole where that of the lost one has left the journal of a transaction that was cut off', async () => {
    const data = join(folder, 'data');
    const backup = join(folder, 'backup');
    for (const made of [data, backup]) mkdirSync(made);
    const database = join(data, 'cache.sqlite');
    // As the file of an application may be, whose journal mode the cache leaves alone.
    const db = await new DataSource({ type: 'better-sqlite3', database }).initialize();
    const grow = (word: string): Promise<unknown> =>
      db.query(
        'INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT ? || i, ? FROM n',
        [word, word.repeat(50)],
      );
    await db.query('CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT)');
    await grow('old');
    copyFileSync(database, join(backup, 'cache.sqlite'));
    await grow('new');
    await db.query('PRAGMA cache_size = 5');
    await db.query('BEGIN IMMEDIATE');
    await db.query("UPDATE t SET v = v || 'and more'");
    copyFileSync(`${database}-journal`, join(folder, 'cut off'));
    await db.query('ROLLBACK');
    await db.destroy();
    copyFileSync(join(folder, 'cut off'), `${database}-journal`);

    await runCommands('Restore a SQLite file', { cwd: folder });
    expect(existsSync(`${database}-journal`)).toBe(false);
    const restored = await new DataSource({ type: 'better-sqlite3', database }).initialize();
    expect(await restored.query('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(await restored.query('SELECT COUNT(*) AS n FROM t')).toEqual([{ n: 2000 }]);
    await restored.destroy();
  });

  it('gives each process manager more time than a stop may take', () => {
    const needed = shutdownTimeoutMs / 1000 + 2;
    const preStop = numberIn(PAGE, /command: \['sleep', '(\d+)'\]/);
    expect(numberIn(PAGE, /terminationGracePeriodSeconds: (\d+)/)).toBeGreaterThanOrEqual(needed + preStop);
    expect(numberIn(PAGE, /stop_grace_period: (\d+)s/)).toBeGreaterThanOrEqual(needed);
    expect(numberIn(PAGE, /TimeoutStopSec=(\d+)/)).toBeGreaterThanOrEqual(needed);
    expect(numberIn(PAGE, /kill_timeout: ([\d_]+)/) / 1000).toBeGreaterThanOrEqual(needed);
    expect(numberIn(PAGE, /`shutdownTimeoutMs` \((\d+) s\)/) * 1000).toBe(shutdownTimeoutMs);
  });

  it('has thresholds that follow from the defaults', () => {
    expect(numberIn(PAGE, /half of `maxDirty` \(([\d ]+)\)/)).toBe(maxDirty / 2);
    expect(numberIn(PAGE, /80 % of it \(([\d ]+)\)/)).toBe(0.8 * maxDirty);
    expect(thresholdOf('CacheNearlyFull')).toBe(0.8 * maxDirty);
    expect(numberIn(PAGE, /two checkpoints \((\d+) s\)/) * 1000).toBe(2 * Number(checkpointIntervalMs));
    expect(thresholdOf('CacheEntriesLate') * 1000).toBe(4 * Number(checkpointIntervalMs));
    // It fires at once: a wait would come on top of the age that the page names.
    expect(ALERTS).toMatch(/alert: CacheEntriesLate\n +expr: .*\n +labels:/);
    expect(numberIn(PAGE, /an entry is dirty for over (\d+) min/) * 60).toBe(thresholdOf('CacheEntriesLate'));
    expect(numberIn(PAGE, /`staleWhileDownMs` \((\d+) s\)/) * 1000).toBe(staleWhileDownMs);
    expect(numberIn(PAGE, /`writeTimeoutMs` \((\d+) s\)/) * 1000).toBe(writeTimeoutMs);
  });
});
