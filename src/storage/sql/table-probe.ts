import { isDeepStrictEqual } from 'node:util';
import type { QueryRunner } from 'typeorm';
import { quotedTable } from '../../../migrations/database-family.js';
import { compareStored } from '../../core/keys/key-order.js';
import { EVERY_KEY } from '../../core/keys/key-range.js';
import type { Commit, RowWrite, Stamp, StoredEntry } from '../../core/storage-adapter.js';
import { driverErrorOf, type DriverError } from '../driver-error.js';
import { ALIKE } from './alike.js';
import type { Dialect } from './dialect.js';

/** What a probe asks of a dialect: how the cache writes, and how it reads again. */
export type ProbedDialect = Pick<Dialect, 'statements' | 'atOnce' | 'clear' | 'read' | 'load' | 'writtenAt'>;

/** What became of rows that were written to a table and rolled back. */
export type ProbeOutcome =
  /** Each came back as it was, with each change of it, and was gone when it was deleted. */
  | 'kept'
  /** One row alone did not. */
  | 'changed'
  /** Several rows did not that are easily taken for each other. */
  | 'confused'
  | { readonly refused: DriverError };

export interface ProbeOptions {
  /** Begins what is never committed; returns what rolls it back. */
  readonly begin: (runner: QueryRunner) => Promise<() => Promise<void>>;
  /** Whether an error is about the rows and the table, and not about the state of the database. */
  readonly isRefusal: (error: DriverError) => boolean;
  /** Texts that a type for something else than text would write in its own way. */
  readonly values: readonly string[];
  /** Whether the database keeps times to the millisecond. */
  readonly keepsTimes: boolean;
  /** Whether the database has to show that it sorts keys by their bytes. Default false. */
  readonly asksForOrder?: boolean;
}

const PROBE_NAMESPACE = '(probe of the cache)';
/** Of the longest name and key, and one that differs by capitals alone. */
const NAMESPACES = [PROBE_NAMESPACE, PROBE_NAMESPACE.toUpperCase(), PROBE_NAMESPACE.padEnd(128, '.')];
const KEYS = [...ALIKE, 'k'.repeat(512)];
/** Years ahead of every clock, ms. */
const EXPIRES_AT = 8_000_000_000_000;

/**
 * Writes rows in the statements of the cache, changes and deletes them, reads them again each time, and rolls all of it
 * back. Only this shows what triggers, rules and computed keys do with a row.
 */
export async function probeTable(
  runner: QueryRunner,
  dialect: ProbedDialect,
  options: ProbeOptions,
): Promise<ProbeOutcome> {
  const probe = new Probe(runner, dialect, options);
  const rollback = await options.begin(runner);
  try {
    if (!(await probe.keeps([PROBE_NAMESPACE], ['a']))) return 'changed';
    return (await probe.keeps(NAMESPACES, KEYS)) ? 'kept' : 'confused';
  } catch (error) {
    const refused = driverErrorOf(error);
    if (!options.isRefusal(refused)) throw error;
    return { refused };
  } finally {
    await rollback();
  }
}

/** Whether rows of a probe are there: what was rolled back was kept. */
export async function leavesProbe(runner: QueryRunner, dialect: ProbedDialect): Promise<boolean> {
  return (await dialect.read(runner, PROBE_NAMESPACE, KEYS)).length > 0;
}

export async function clearProbe(runner: QueryRunner, dialect: ProbedDialect): Promise<void> {
  for (const namespace of NAMESPACES) {
    const { sql, parameters } = dialect.clear(namespace);
    await runner.query(sql, parameters);
  }
}

class Probe {
  #now = Date.now();
  /** The largest that there may be: a column that takes them takes all. */
  #stamp = Number.MAX_SAFE_INTEGER;

  constructor(
    private readonly runner: QueryRunner,
    private readonly dialect: ProbedDialect,
    private readonly options: ProbeOptions,
  ) {}

  /**
   * Stores a row for each namespace and key, overwrites it and deletes it, whatever there is, then what it expects; stores it
   * again, clears the namespace, and leaves it stored.
   */
  async keeps(namespaces: readonly string[], keys: readonly string[]): Promise<boolean> {
    for (const round of [0, 1]) {
      const puts = this.#rows(keys, round);
      await this.#write(storing(namespaces, puts));
      if (!(await this.#holds(namespaces, puts))) return false;
    }
    if (!(await this.#keepsStamp(keys[0] as string))) return false;
    if (this.options.asksForOrder === true && !(await this.#sorts(keys))) return false;
    await this.#write(removing(namespaces, keys));
    if (!(await this.#holds(namespaces, [], keys))) return false;
    if (!(await this.#comparesAndSets(namespaces, keys))) return false;
    const again = storing(namespaces, this.#rows(keys, 0));
    await this.#write(again);
    await clearProbe(this.runner, this.dialect);
    if (!(await this.#holds(namespaces, [], keys))) return false;
    // For whoever looks whether all of it is rolled back.
    await this.#write(again);
    return true;
  }

  /** The same once more by what the rows are expected to be, where the dialect has a statement for it. */
  async #comparesAndSets(namespaces: readonly string[], keys: readonly string[]): Promise<boolean> {
    let expects: Stamp | null = null;
    for (const left of [this.#rows(keys, 0), this.#rows(keys, 1), []]) {
      const rows: RowWrite[] =
        left.length > 0 ? storing(namespaces, left, expects) : removing(namespaces, keys, expects);
      const write = this.dialect.atOnce?.(rows, this.#nextCommit());
      expects = this.#stamp;
      if (write === undefined) return true;
      const { sql, parameters } = write.statement;
      const answer = (await this.runner.query(sql, parameters)) as unknown[];
      if (write.losers(answer).length > 0 || !(await this.#holds(namespaces, left, keys))) return false;
    }
    return true;
  }

  async #sorts(keys: readonly string[]): Promise<boolean> {
    const page = { after: undefined, limit: keys.length, now: 0, range: EVERY_KEY };
    const { rows } = await this.dialect.load(this.runner, PROBE_NAMESPACE, page);
    return isDeepStrictEqual(
      rows.map(({ key }) => key),
      keys.toSorted(compareStored),
    );
  }

  /** The largest stamp there is: a double, or 32 bits, would give another number back. */
  async #keepsStamp(key: string): Promise<boolean> {
    const { connection } = this.runner;
    const table = quotedTable(connection);
    const quoted = (name: string): string => connection.driver.escape(name);
    const those = `WHERE ${quoted('namespace')} = '${PROBE_NAMESPACE}' AND ${quoted('key')} = '${key}'`;
    await this.runner.query(`UPDATE ${table} SET ${quoted('version')} = ${Number.MAX_SAFE_INTEGER} ${those}`);
    const found = (await this.runner.query(
      `SELECT ${quoted('version')} AS "stamp" FROM ${table} ${those}`,
    )) as { stamp: unknown }[];
    return found.length === 1 && Number(found[0]?.stamp) === Number.MAX_SAFE_INTEGER;
  }

  #rows(keys: readonly string[], round: number): StoredEntry[] {
    const { values } = this.options;
    return keys.map((key, i) => ({
      key,
      value: values[(i + round) % values.length] as string,
      expiresAt: (i + round) % 2 === 0 ? null : EXPIRES_AT + i,
    }));
  }

  async #write(writes: readonly RowWrite[]): Promise<void> {
    for (const { sql, parameters } of this.dialect.statements(writes, this.#nextCommit()))
      await this.runner.query(sql, parameters);
  }

  #nextCommit(): Commit {
    this.#now += 1;
    this.#stamp -= 1;
    return { now: this.#now, stamp: this.#stamp };
  }

  /** Whether each namespace has these rows, and of `keys` no others. */
  async #holds(
    namespaces: readonly string[],
    rows: readonly StoredEntry[],
    keys: readonly string[] = rows.map(({ key }) => key),
  ): Promise<boolean> {
    for (const namespace of namespaces) {
      const found = await this.dialect.read(this.runner, namespace, keys);
      const times = await this.dialect.writtenAt(this.runner, namespace, keys);
      const isTimed = (key: string): boolean => !this.options.keepsTimes || times.get(key) === this.#now;
      if (found.length !== rows.length) return false;
      for (const { key, value, expiresAt } of rows) {
        const row = found.find((other) => other.key === key);
        if (row?.value !== value || row.expiresAt !== expiresAt || !isTimed(key)) return false;
        if (row.stamp !== this.#stamp) return false;
      }
    }
    return true;
  }
}

function storing(
  namespaces: readonly string[],
  rows: readonly StoredEntry[],
  expects?: RowWrite['expects'],
): RowWrite[] {
  return namespaces.flatMap((namespace) =>
    rows.map(({ key, value, expiresAt }) => ({ namespace, key, value, expiresAt, expects })),
  );
}

function removing(
  namespaces: readonly string[],
  keys: readonly string[],
  expects?: RowWrite['expects'],
): RowWrite[] {
  return namespaces.flatMap((namespace) =>
    keys.map((key) => ({ namespace, key, value: undefined, expiresAt: null, expects })),
  );
}
