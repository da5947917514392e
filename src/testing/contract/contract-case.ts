import { STAMP, writeChanges } from './changes.js';
import assert from 'node:assert/strict';
import type {
  CacheStorageAdapter,
  Commit,
  KeyRange,
  LoadCursor,
  Stamp,
  StampedEntry,
  StoredEntry,
} from '../../index.js';
import { standIn } from '../stand-in.js';
import type { TestRunner } from '../test-runner.js';

export const NOW = 1_000_000;

/** What a removal is told. */
export const REMOVAL: Commit = { stamp: STAMP, now: NOW };

/** Batches of megabytes take their time on a server. */
const TIMEOUT_MS = 30_000;

/** A row as it is read after {@link writeChanges}. */
export function row(
  key: string,
  value = JSON.stringify(key),
  expiresAt: number | null = null,
  stamp: Stamp = STAMP,
): StampedEntry {
  return { key, value, expiresAt, stamp };
}

/** What a test is about, in its name. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** What the tests of a contract have in hand: the functions of the runner, and the storage that is under test. */
export class ContractCase {
  readonly describe: TestRunner['describe'];
  readonly beforeEach: TestRunner['beforeEach'];
  #current: CacheStorageAdapter | undefined;
  /** That of the test that runs. */
  readonly storage = standIn(() => this.#current as CacheStorageAdapter);

  constructor(
    private readonly runner: TestRunner,
    create: () => CacheStorageAdapter | Promise<CacheStorageAdapter>,
    readonly refusesNull: boolean,
  ) {
    this.describe = runner.describe;
    this.beforeEach = runner.beforeEach;
    runner.beforeEach(async () => {
      this.#current = await create();
      await this.storage.open();
    });
    runner.afterEach(() => this.storage.close());
  }

  readonly it = (test: string, body: () => Promise<void>): unknown => this.runner.it(test, body, TIMEOUT_MS);

  readonly put = async (...puts: StoredEntry[]): Promise<void> => {
    await writeChanges(this.storage, [{ namespace: 'n', puts }], NOW);
  };

  readonly all = async (namespace = 'n', limit = 100): Promise<StoredEntry[]> => {
    const rows: StoredEntry[] = [];
    let after: LoadCursor | undefined;
    do {
      const page = await this.storage.load(namespace, { after, limit, now: NOW });
      assert.ok(page.rows.length <= limit);
      assert.equal(page.unreadable?.count ?? 0, 0);
      rows.push(...page.rows);
      after = page.next;
    } while (after !== undefined);
    return rows;
  };

  /** The keys of a range, page by page. */
  readonly listed = async (range: KeyRange, reverse: boolean, limit: number): Promise<string[]> => {
    const keys: string[] = [];
    let after: LoadCursor | undefined;
    do {
      const page = await this.storage.load('n', { after, limit, now: NOW, range, reverse });
      assert.ok(page.rows.length <= limit);
      assert.equal(page.unreadable?.count ?? 0, 0);
      keys.push(...page.rows.map((entry) => entry.key));
      after = page.next;
    } while (after !== undefined);
    return keys;
  };
}
