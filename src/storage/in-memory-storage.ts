import type {
  CacheStorageAdapter,
  LoadedPage,
  LoadPage,
  NamespaceWrite,
  StorageFailure,
  StoredEntry,
} from '../core/storage-adapter.js';

interface Row extends StoredEntry {
  readonly writtenAt: number;
}

/** A storage that lives as long as this object: for tests of an app, and where a restart may forget everything. */
export class InMemoryStorage implements CacheStorageAdapter {
  readonly #namespaces = new Map<string, Map<string, Row>>();
  /** Keys in order, until a key comes or goes. */
  readonly #sorted = new Map<string, string[]>();

  async open(): Promise<void> {
    // Nothing to connect to.
  }

  async close(): Promise<void> {
    // The rows stay: an application that is started again on this object finds them.
  }

  async count(namespace: string, now: number): Promise<number> {
    let count = 0;
    for (const row of this.#rows(namespace).values()) if (isAlive(row, now)) count += 1;
    return count;
  }

  async load(namespace: string, { after, limit, now }: LoadPage): Promise<LoadedPage> {
    const rows = this.#rows(namespace);
    const found: StoredEntry[] = [];
    const keys = this.#keysInOrder(namespace);
    for (
      let i = after === undefined ? 0 : firstAfter(keys, String(after));
      i < keys.length && found.length < limit;
      i += 1
    ) {
      const row = rows.get(keys[i] as string);
      if (row !== undefined && isAlive(row, now)) found.push(toEntry(row));
    }
    return { rows: found, next: found.length < limit ? undefined : found.at(-1)?.key };
  }

  async read(namespace: string, keys: readonly string[]): Promise<readonly StoredEntry[]> {
    const rows = this.#rows(namespace);
    return keys.flatMap((key) => {
      const row = rows.get(key);
      return row === undefined ? [] : toEntry(row);
    });
  }

  async writtenAt(namespace: string, keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const times = new Map<string, number>();
    for (const key of keys) {
      const row = this.#rows(namespace).get(key);
      if (row !== undefined) times.set(key, row.writtenAt);
    }
    return times;
  }

  async write(batch: readonly NamespaceWrite[], now: number): Promise<void> {
    for (const { namespace, puts, deletes } of batch) {
      const rows = this.#rows(namespace);
      const before = rows.size;
      for (const key of deletes) rows.delete(key);
      const between = rows.size;
      for (const row of puts) rows.set(row.key, { ...row, writtenAt: now });
      if (between !== before || rows.size !== between) this.#sorted.delete(namespace);
    }
  }

  async clear(namespace: string): Promise<void> {
    this.#namespaces.delete(namespace);
    this.#sorted.delete(namespace);
  }

  async purgeExpired(namespace: string, now: number): Promise<number> {
    const rows = this.#rows(namespace);
    let purged = 0;
    for (const [key, row] of rows) {
      if (isAlive(row, now)) continue;
      rows.delete(key);
      purged += 1;
    }
    if (purged > 0) this.#sorted.delete(namespace);
    return purged;
  }

  classify(): StorageFailure {
    return 'permanent';
  }

  describe(): string {
    return 'memory';
  }

  #rows(namespace: string): Map<string, Row> {
    let rows = this.#namespaces.get(namespace);
    if (rows === undefined) {
      rows = new Map();
      this.#namespaces.set(namespace, rows);
    }
    return rows;
  }

  #keysInOrder(namespace: string): string[] {
    let keys = this.#sorted.get(namespace);
    if (keys === undefined) {
      keys = [...this.#rows(namespace).keys()].sort();
      this.#sorted.set(namespace, keys);
    }
    return keys;
  }
}

function toEntry({ key, value, expiresAt }: Row): StoredEntry {
  return { key, value, expiresAt };
}

function isAlive(row: StoredEntry, now: number): boolean {
  return row.expiresAt === null || row.expiresAt > now;
}

/** The index of the first of the sorted `keys` that is greater than `after`. */
function firstAfter(keys: readonly string[], after: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
