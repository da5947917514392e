import { CacheError } from '../cache-error.js';
import type { EngineContext } from '../context.js';
import { report } from '../diagnostics.js';
import { isTooLong } from '../keys/key-codec.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import type { StampedEntry, StoredEntry } from '../storage-adapter.js';
import { StoredValue } from '../values/stored-value.js';
import type { ValueCodec } from '../values/value-codec.js';
import { present, type KnownValue } from './known-value.js';

/** Turns rows of one namespace into entries. A row that does not decode is counted and otherwise left alone. */
export class RowDecoder<V> {
  constructor(
    private readonly namespace: string,
    private readonly keys: KeySpace<unknown>,
    private readonly codec: ValueCodec<V>,
    private readonly counters: NamespaceCounters,
  ) {}

  /** The value of a row, decoded now so that a bad row is noticed where it is read. */
  decode(row: StampedEntry): KnownValue<V> {
    try {
      const stored = new StoredValue<V>(textOf(row), row.expiresAt, row.stamp);
      stored.read(this.codec);
      return present(stored);
    } catch (cause) {
      this.counters.unreadable += 1;
      return { kind: 'unreadable', error: this.unreadable(row.key, cause), stamp: row.stamp };
    }
  }

  /** Whether {@link decode} would give a value; counted where it would not. */
  decodes(row: StoredEntry): boolean {
    try {
      this.codec.decode(textOf(row));
      return true;
    } catch {
      this.counters.unreadable += 1;
      return false;
    }
  }

  /** The key of a row in its form in memory; `undefined`, and counted, where no key of the namespace has this text. */
  keyOf(row: StoredEntry): MemoryKey | undefined {
    const key = typeof row.key === 'string' ? this.keys.parse(row.key) : undefined;
    if (key === undefined) this.counters.unreadable += 1;
    return key;
  }

  /** Counts rows that the storage could not give: they have no text for a key. */
  countUnreadable(rows: number): void {
    this.counters.unreadable += rows;
  }

  /** The error for a value that does not decode. */
  unreadable(key: string, cause: unknown): CacheError {
    return new CacheError(
      'UNREADABLE_ENTRY',
      `Namespace '${this.namespace}': the stored value of the key does not decode. ` +
        'Set or delete the key to replace it, or mend the row in the database.',
      { namespace: this.namespace, key, cause },
    );
  }
}

/** A value of another type in the column (a BLOB, say) is not decoded. */
function textOf(row: StoredEntry): string {
  if (typeof row.value !== 'string') throw new TypeError('The stored value is not text.');
  return row.value;
}

/** Says once per load how many rows were skipped, with one example key. */
export function reportSkipped(
  context: EngineContext,
  namespace: string,
  skipped: number,
  example: unknown,
): void {
  // A key column of an adopted table may hold any type.
  const key = String(example);
  const shown = key.length > 80 ? `${key.slice(0, 80)}…` : key;
  report({ type: 'rows-unreadable', namespace, count: skipped }, context);
  const what =
    skipped === 1
      ? 'row does not decode and was left as it is'
      : 'rows do not decode and were left as they are';
  const hint = isTooLong(key) ? ' This key is longer than the 512 characters that the cache reads.' : '';
  context.logger.warn(
    `Namespace '${namespace}': ${skipped} stored ${what} (for example key ${JSON.stringify(shown)}).${hint}`,
  );
}
