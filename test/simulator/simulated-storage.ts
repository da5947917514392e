import type {
  CacheStorageAdapter,
  LoadPage,
  NamespaceWrite,
  StorageFailure,
  StoredEntry,
} from '../../src/core/storage-adapter.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { ChaosError } from '../support/chaos-storage.js';
import type { Scheduler } from './scheduler.js';

/** What the database is like at the moment. */
export interface Weather {
  /** Every call fails. */
  down: boolean;
  /** Commits happen, and are reported as failed. */
  lies: boolean;
  /** Calls never answer. */
  hangs: boolean;
  /** Keys that the database refuses. */
  readonly poison: Set<string>;
}

/** How often what went wrong, over all histories. */
export interface FaultCount {
  transient: number;
  refused: number;
  lies: number;
  hangs: number;
}

/**
 * The database of a simulation: its rows outlive the process. A call takes effect at one step and is answered at a later
 * one, so that a crash can come before, between and after.
 */
export class SimulatedStorage implements CacheStorageAdapter {
  /** Every text that was ever committed for a key of a namespace; `null` for its absence. */
  readonly committed = new Map<string, Set<string | null>>();

  constructor(
    private readonly rows: InMemoryStorage,
    private readonly scheduler: Scheduler,
    private readonly weather: Weather,
    private readonly faults: FaultCount,
  ) {}

  async open(): Promise<void> {
    await this.scheduler.someTime();
  }

  async close(): Promise<void> {
    await this.scheduler.someTime();
  }

  count(namespace: string, now: number): Promise<number> {
    return this.#call(() => this.rows.count(namespace, now));
  }

  load(namespace: string, page: LoadPage): Promise<readonly StoredEntry[]> {
    return this.#call(() => this.rows.load(namespace, page));
  }

  read(namespace: string, keys: readonly string[]): Promise<readonly StoredEntry[]> {
    return this.#call(() => this.rows.read(namespace, keys));
  }

  writtenAt(namespace: string, keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#call(() => this.rows.writtenAt(namespace, keys));
  }

  write(batch: readonly NamespaceWrite[], now: number): Promise<void> {
    return this.#call(async () => {
      const keys = batch.flatMap(({ puts, deletes }) => [...puts.map((put) => put.key), ...deletes]);
      if (keys.some((key) => this.weather.poison.has(key))) {
        this.faults.refused += 1;
        throw new ChaosError('permanent');
      }
      await this.rows.write(batch, now);
      for (const { namespace, puts, deletes } of batch) {
        for (const { key, value } of puts) this.#note(namespace, key, value);
        for (const key of deletes) this.#note(namespace, key, null);
      }
    }, true);
  }

  clear(namespace: string): Promise<void> {
    return this.#call(() => this.rows.clear(namespace), true);
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

  #note(namespace: string, key: string, value: string | null): void {
    const name = `${namespace} ${key}`;
    const values = this.committed.get(name) ?? new Set([null]);
    this.committed.set(name, values.add(value));
  }

  async #call<T>(effect: () => Promise<T>, mayLie = false): Promise<T> {
    await this.scheduler.someTime();
    if (this.weather.hangs) {
      this.faults.hangs += 1;
      await new Promise(() => undefined);
    }
    if (this.weather.down) {
      this.faults.transient += 1;
      await this.scheduler.someTime();
      throw new ChaosError('transient');
    }
    const result = await effect();
    await this.scheduler.someTime();
    if (mayLie && this.weather.lies) {
      this.faults.lies += 1;
      throw new ChaosError('transient');
    }
    return result;
  }
}
