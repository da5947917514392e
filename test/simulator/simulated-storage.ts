import { isWithin, type KeyRange } from '../../src/core/keys/key-range.js';
import {
  CACHE_STORAGE,
  type Atom,
  type AtomOutcome,
  type CacheStorageAdapter,
  type Commit,
  type LoadedPage,
  type LoadPage,
  type StampedEntry,
  type StorageFailure,
} from '../../src/core/storage-adapter.js';
import type { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { ChaosError } from '../support/chaos-storage.js';
import type { Chronicle } from './chronicle.js';
import type { Scheduler } from './scheduler.js';
import type { Tally } from './tally.js';

/** What the database is like at the moment. */
export interface Conditions {
  /** Every call fails. */
  down: boolean;
  /** Commits happen, and are reported as failed. */
  lies: boolean;
  /** Calls never answer. */
  hangs: boolean;
  /** How long a write waits before it takes effect, ms. */
  delayMs: number;
  /** Keys that the database refuses. */
  readonly poison: Set<string>;
}

/** What the database of a simulation is known by. */
export const IDENTITY = 'simulation';

/** Rows on one page: so few that there are several. */
const MOST_ROWS = 2;

/**
 * The database of a simulation: its rows outlive the process. A call takes effect at one step and is answered at a later
 * one, so that a crash can come before, between and after.
 */
export class SimulatedStorage implements CacheStorageAdapter {
  readonly [CACHE_STORAGE] = 2;
  readonly identity = IDENTITY;
  /** Every text that was ever committed for a key of a namespace; `null` for its absence. */
  readonly committed = new Map<string, Set<string | null>>();
  /** Counts commits. */
  commits = 0;

  constructor(
    private readonly rows: InMemoryStorage,
    private readonly scheduler: Scheduler,
    private readonly conditions: Conditions,
    private readonly tally: Tally,
    private readonly chronicle: Chronicle,
    /** The text of each row by namespace and key. Outlives the process as the rows do. */
    readonly texts: ReadonlyMap<string, Map<string, string>>,
  ) {}

  async open(): Promise<void> {
    await this.scheduler.someTime();
  }

  async close(): Promise<void> {
    await this.scheduler.someTime();
  }

  count(namespace: string, now: number, range?: KeyRange): Promise<number> {
    return this.#call(() => this.rows.count(namespace, now, range));
  }

  load(namespace: string, page: LoadPage): Promise<LoadedPage> {
    return this.#call(() => this.rows.load(namespace, { ...page, limit: Math.min(page.limit, MOST_ROWS) }));
  }

  read(namespace: string, keys: readonly string[]): Promise<readonly StampedEntry[]> {
    return this.#call(() => this.rows.read(namespace, keys));
  }

  write(atoms: readonly Atom[], commit: Commit): Promise<readonly AtomOutcome[]> {
    return this.#call(async () => {
      this.#assertTaken(atoms);
      const outcomes = await this.rows.write(atoms, commit);
      this.#written(atoms, outcomes);
      return outcomes;
    }, true);
  }

  modify(
    namespace: string,
    keys: readonly string[],
    decide: (rows: readonly StampedEntry[]) => readonly Atom[],
    commit: Commit,
  ): Promise<readonly AtomOutcome[]> {
    return this.#call(async () => {
      let atoms: readonly Atom[] = [];
      const decided = (rows: readonly StampedEntry[]): readonly Atom[] => {
        atoms = decide(rows);
        this.#assertTaken(atoms);
        return atoms;
      };
      const outcomes = await this.rows.modify(namespace, keys, decided, commit);
      this.#written(atoms, outcomes);
      return outcomes;
    }, true);
  }

  clear(namespace: string, commit: Commit): Promise<void> {
    return this.#call(async () => {
      await this.rows.clear(namespace, commit);
      this.texts.get(namespace)?.clear();
      this.commits += 1;
      this.chronicle.note(`   committed: clear of ${namespace}`);
    }, true);
  }

  clearRange(namespace: string, range: KeyRange, commit: Commit): Promise<number> {
    return this.#call(async () => {
      const removed = await this.rows.clearRange(namespace, range, commit);
      const texts = this.texts.get(namespace);
      for (const key of texts?.keys() ?? []) if (isWithin(key, range)) texts?.delete(key);
      this.commits += 1;
      this.chronicle.note(`   committed: ${namespace}: ${range.prefix}… gone`);
      return removed;
    }, true);
  }

  purgeExpired(namespace: string, now: number): Promise<number> {
    return this.#call(() => this.rows.purgeExpired(namespace, now));
  }

  classify(error: unknown): StorageFailure {
    return error instanceof ChaosError ? error.kind : 'permanent';
  }

  describe(): string {
    return 'simulation';
  }

  #assertTaken(atoms: readonly Atom[]): void {
    if (!atoms.flat().some(({ key }) => this.conditions.poison.has(key))) return;
    this.tally.refused += 1;
    throw new ChaosError('permanent');
  }

  /** Notes what has committed of `atoms`: those in conflict have changed nothing. */
  #written(atoms: readonly Atom[], outcomes: readonly AtomOutcome[]): void {
    const rows = atoms.filter((_, i) => outcomes[i]?.kind === 'committed').flat();
    for (const { namespace, key, value } of rows) this.#note(namespace, key, value ?? null);
    this.commits += 1;
    const texts = rows.map(({ namespace, key, value }) =>
      value === undefined ? `${namespace} ${key} gone` : `${namespace} ${key}=${value.trimEnd()}`,
    );
    this.chronicle.note(`   committed: ${texts.join(', ')}`);
  }

  #note(namespace: string, key: string, value: string | null): void {
    const name = `${namespace} ${key}`;
    const values = this.committed.get(name) ?? new Set([null]);
    this.committed.set(name, values.add(value));
    if (value === null) this.texts.get(namespace)?.delete(key);
    else this.texts.get(namespace)?.set(key, value);
  }

  async #call<T>(effect: () => Promise<T>, isWrite = false): Promise<T> {
    await this.scheduler.someTime();
    if (this.conditions.hangs) {
      this.tally.hangs += 1;
      await new Promise(() => undefined);
    }
    if (this.conditions.down) {
      this.tally.transient += 1;
      await this.scheduler.someTime();
      throw new ChaosError('transient');
    }
    if (isWrite && this.conditions.delayMs > 0) {
      await new Promise<void>((resolve) => {
        this.scheduler.setTimer(this.conditions.delayMs, resolve);
      });
    }
    const result = await effect();
    await this.scheduler.someTime();
    if (isWrite && this.conditions.lies) {
      this.tally.lies += 1;
      throw new ChaosError('transient');
    }
    return result;
  }
}
