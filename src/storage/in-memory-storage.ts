import { compareStored } from '../core/keys/key-order.js';
import { EVERY_KEY, isWithin, type KeyRange } from '../core/keys/key-range.js';
import {
  CACHE_STORAGE,
  COMMITTED,
  CONFLICT,
  type Atom,
  type AtomOutcome,
  type Commit,
  type LoadedPage,
  type LoadPage,
  type LogPosition,
  type RowWrite,
  type StampedEntry,
  type StorageFailure,
  type Writer,
} from '../core/storage-adapter.js';
import { noteOfRemoval, noteOfRows } from '../core/sharing/note.js';
import type {
  Instance,
  LoggedInstance,
  LogHead,
  LogNote,
  Rival,
  SharedStorage,
} from '../core/sharing/shared-storage.js';
import { InMemoryLog, UnknownWriter } from './in-memory-log.js';

/** A storage that lives as long as this object: for tests of an app, and where a restart may forget everything. */
export class InMemoryStorage implements SharedStorage {
  readonly [CACHE_STORAGE] = 2;
  readonly keepsOthersOut: boolean = false;
  readonly defaultInstances = 'one';
  readonly #namespaces = new Map<string, Map<string, StampedEntry>>();
  /** Keys in order, until a key comes or goes. */
  readonly #sorted = new Map<string, string[]>();
  readonly #log = new InMemoryLog();

  async open(): Promise<void> {
    // Nothing to connect to.
  }

  async close(): Promise<void> {
    // The rows stay: an application that is started again on this object finds them.
  }

  async count(namespace: string, now: number, range: KeyRange = EVERY_KEY): Promise<number> {
    let count = 0;
    for (const row of this.#rows(namespace).values())
      if (isAlive(row, now) && isWithin(row.key, range)) count += 1;
    return count;
  }

  async load(namespace: string, { after, limit, now, range, reverse }: LoadPage): Promise<LoadedPage> {
    const rows = this.#rows(namespace);
    const found: StampedEntry[] = [];
    for (const key of keysBetween(this.#keysInOrder(namespace), after?.toString(), range, reverse)) {
      if (found.length === limit) break;
      const row = rows.get(key);
      if (row !== undefined && isAlive(row, now)) found.push(row);
    }
    return { rows: found, next: found.length < limit ? undefined : found.at(-1)?.key };
  }

  async read(namespace: string, keys: readonly string[]): Promise<readonly StampedEntry[]> {
    return this.#find(namespace, keys);
  }

  async write(atoms: readonly Atom[], commit: Commit): Promise<readonly AtomOutcome[]> {
    return this.#write(atoms, commit);
  }

  async modify(
    namespace: string,
    keys: readonly string[],
    decide: (rows: readonly StampedEntry[]) => readonly Atom[],
    commit: Commit,
  ): Promise<readonly AtomOutcome[]> {
    return this.#write(decide(this.#find(namespace, keys)), commit);
  }

  async clear(namespace: string, { stamp, logged }: Commit): Promise<void> {
    this.#log.assertKnows(logged);
    this.#log.add(logged, noteOfRemoval(stamp, namespace, EVERY_KEY));
    this.#namespaces.delete(namespace);
    this.#sorted.delete(namespace);
  }

  async clearRange(namespace: string, range: KeyRange, { stamp, now, logged }: Commit): Promise<number> {
    this.#log.assertKnows(logged);
    this.#log.add(logged, noteOfRemoval(stamp, namespace, range));
    const rows = this.#rows(namespace);
    let removed = 0;
    for (const [key, row] of rows) {
      if (!isWithin(key, range)) continue;
      rows.delete(key);
      if (isAlive(row, now)) removed += 1;
    }
    this.#sorted.delete(namespace);
    return removed;
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

  /** Takes everybody: only one process can reach it. */
  async join(instance: Instance): Promise<readonly Rival[]> {
    this.#log.join(instance);
    return [];
  }

  async beat(writer: Writer): Promise<boolean> {
    return this.#log.beat(writer);
  }

  async leave(writer: Writer): Promise<void> {
    this.#log.leave(writer);
  }

  async remove(writer: Writer): Promise<boolean> {
    this.#log.remove(writer);
    return true;
  }

  async heads(): Promise<readonly LogHead[]> {
    return this.#log.heads();
  }

  async instances(): Promise<readonly LoggedInstance[]> {
    return this.#log.instances();
  }

  async notesSince(positions: readonly LogPosition[], limit: number): Promise<readonly LogNote[]> {
    return this.#log.notesSince(positions, limit);
  }

  async trimLog(upTo: LogPosition): Promise<void> {
    this.#log.trim(upTo);
  }

  isUndone(error: unknown): boolean {
    return error instanceof UnknownWriter;
  }

  /** Nothing here can fail because of its data. What a subclass throws may pass. */
  classify(): StorageFailure {
    return 'transient';
  }

  describe(): string {
    return 'memory';
  }

  #find(namespace: string, keys: readonly string[]): StampedEntry[] {
    const rows = this.#rows(namespace);
    return keys.flatMap((key) => rows.get(key) ?? []);
  }

  #write(atoms: readonly Atom[], commit: Commit): readonly AtomOutcome[] {
    this.#log.assertKnows(commit.logged);
    const written: RowWrite[] = [];
    const outcomes = atoms.map((atom) => {
      if (!atom.every((write) => this.#isExpected(write))) return CONFLICT;
      for (const write of atom) this.#apply(write, commit);
      written.push(...atom);
      return COMMITTED;
    });
    if (written.length > 0) this.#log.add(commit.logged, noteOfRows(commit.stamp, written));
    return outcomes;
  }

  #isExpected({ namespace, key, expects }: RowWrite): boolean {
    return expects === undefined || (this.#rows(namespace).get(key)?.stamp ?? null) === expects;
  }

  #apply({ namespace, key, value, expiresAt }: RowWrite, { stamp }: Commit): void {
    const rows = this.#rows(namespace);
    const before = rows.size;
    if (value === undefined) rows.delete(key);
    else rows.set(key, { key, value, expiresAt, stamp });
    if (rows.size !== before) this.#sorted.delete(namespace);
  }

  #rows(namespace: string): Map<string, StampedEntry> {
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
      keys = [...this.#rows(namespace).keys()].sort(compareStored);
      this.#sorted.set(namespace, keys);
    }
    return keys;
  }
}

function isAlive(row: StampedEntry, now: number): boolean {
  return row.expiresAt === null || row.expiresAt > now;
}

/** Those of the sorted `keys` that lie in `range`, from behind `after`, forwards or backwards. */
function* keysBetween(
  keys: readonly string[],
  after: string | undefined,
  range = EVERY_KEY,
  reverse = false,
): Generator<string> {
  const step = reverse ? -1 : 1;
  let i = reverse ? keys.length - 1 : indexOf(keys, range.prefix);
  if (after !== undefined) i = reverse ? indexOf(keys, after) - 1 : indexOf(keys, after);
  let hasBegun = false;
  for (; i >= 0 && i < keys.length; i += step) {
    const key = keys[i] as string;
    if (key === after) continue;
    if (isWithin(key, range)) {
      hasBegun = true;
      yield key;
    } else if (hasBegun) return;
  }
}

/** The index of the first of the sorted `keys` that does not come before `text`. */
function indexOf(keys: readonly string[], text: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareStored(keys[middle] as string, text) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
