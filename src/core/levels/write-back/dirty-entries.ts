import type { Clock } from '../../clock.js';
import { isEvery, type KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import { bytesOf, REMOVAL, type RowChange } from './row-change.js';
import type { DirtyBudget } from './dirty-budget.js';
import { DirtyAge } from './dirty-age.js';
import { DirtyWatch } from './dirty-watch.js';
import { PendingRemovals } from './pending-removals.js';

/** A change as it was when a batch took it. */
export interface TakenChange {
  readonly memoryKey: MemoryKey;
  readonly change: RowChange;
}

/**
 * What a write-back namespace has not written: the last change of each key, which keys must be written together, and
 * which ranges are to be removed before.
 */
export class DirtyEntries {
  readonly #changes = new Map<MemoryKey, RowChange>();
  /** The keys that a rename tied together; all members share one set. */
  readonly #groups = new Map<MemoryKey, Set<MemoryKey>>();
  /** The changes that the database refused on their own. */
  readonly #refused = new Set<MemoryKey>();

  /** Those of them that are charged apart. */
  readonly #exempt = new Set<MemoryKey>();
  #bytes = 0;

  readonly #removals: PendingRemovals;
  /**
   * The keys to which entries moved whose old keys are to be removed since: with those removed first, a crash would leave
   * such an entry under neither.
   */
  readonly #movedOut = new Set<MemoryKey>();
  readonly #watches = new Set<DirtyWatch>();
  readonly #age: DirtyAge;

  constructor(
    private readonly budget: DirtyBudget,
    private readonly keySpace: KeySpace<unknown>,
    clock: Clock,
    /** Called with each key that becomes dirty. */
    private readonly onDirty?: (key: MemoryKey) => void,
  ) {
    this.#removals = new PendingRemovals(keySpace);
    this.#age = new DirtyAge(clock);
  }

  /** How many writes the database does not have: the changes, and the removals before them. */
  get dirty(): number {
    return this.#changes.size + this.#removals.ranges.length;
  }

  get size(): number {
    return this.#changes.size;
  }

  /** Bytes of the values to be written, encoded. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How long the oldest of them has been waiting. */
  get oldestMs(): number {
    return this.dirty === 0 ? 0 : this.#age.ms;
  }

  /** The ranges that are to be removed before the changes are written. */
  get removals(): readonly KeyRange[] {
    return this.#removals.ranges;
  }

  /** The one of them that is next. */
  get nextRemoval(): KeyRange | undefined {
    return this.#removals.next;
  }

  /** What has to be written before the next removal. */
  beforeRemoval(): MemoryKey[] {
    return [...this.#movedOut].filter((key) => !this.isRemoved(key) && !this.isRefused(key));
  }

  /** Whether the row of a key is to be removed. */
  isRemoved(key: MemoryKey): boolean {
    return this.#removals.has(key);
  }

  get refusedCount(): number {
    return this.#refused.size;
  }

  get(key: MemoryKey): RowChange | undefined {
    return this.#changes.get(key);
  }

  /** Whether `change` can be taken for `key` without going over the budget. */
  hasRoomFor(key: MemoryKey, change: RowChange): boolean {
    if (this.budget.hasRoom) return true;
    const charged = this.#exempt.has(key) ? undefined : this.#changes.get(key);
    return charged !== undefined && this.budget.hasRoomToGrow(bytesOf(change) - bytesOf(charged));
  }

  put(key: MemoryKey, change: RowChange): void {
    const before = this.#changes.get(key);
    // First: what it throws must leave nothing behind.
    if (before === undefined) this.onDirty?.(key);
    this.#changes.set(key, change);
    const bytes = bytesOf(change);
    if (before === undefined) {
      this.#charge(1, bytes);
    } else if (this.#exempt.size > 0 && this.#exempt.has(key)) {
      this.#release(key, before);
      this.#charge(1, bytes);
    } else {
      this.#charge(0, bytes - bytesOf(before));
    }
    if (this.#refused.size > 0 && this.#refused.delete(key)) this.#untieRefused(key);
    this.#age.add();
  }

  /** Puts a change in the place of that of a dirty key. What the database refuses of it, and what it is tied to, stays. */
  replace(key: MemoryKey, change: RowChange): void {
    const before = this.#changes.get(key);
    if (before === undefined) return;
    this.#changes.set(key, change);
    if (this.#exempt.has(key)) {
      this.#release(key, before);
      this.#charge(1, bytesOf(change));
    } else {
      this.#charge(0, bytesOf(change) - bytesOf(before));
    }
  }

  /** Gives up the changes of keys that must be written together: their rows are what others have made of them. */
  giveUp(given: readonly TakenChange[]): void {
    for (const { memoryKey: key, change: row } of given) {
      const change = this.#changes.get(key);
      if (change === undefined) continue;
      for (const watch of this.#watches) watch.committed(key, row);
      this.#changes.delete(key);
      this.#movedOut.delete(key);
      this.#refused.delete(key);
      this.#release(key, change);
    }
    this.#untie(given);
    this.budget.release(0, 0);
  }

  /** From now on the changes of both keys go into one transaction, until both are written. */
  tie(one: MemoryKey, other: MemoryKey): void {
    const [large, small] = [
      this.#groups.get(one) ?? new Set([one]),
      this.#groups.get(other) ?? new Set([other]),
    ].sort((a, b) => b.size - a.size) as [Set<MemoryKey>, Set<MemoryKey>];
    for (const member of small) large.add(member);
    for (const member of small) this.#groups.set(member, large);
    this.#groups.set(one, large);
    this.#groups.set(other, large);
  }

  /** The database refused this change on its own: it is tried apart from the others. */
  markRefused({ memoryKey: key, change }: TakenChange): void {
    if (!this.#isStill(key, change)) return;
    this.#refused.add(key);
    if (this.#exempt.has(key) || !this.budget.hasRoomForRefused) return;
    // Last: a write to this very key may be let in by it.
    this.#exempt.add(key);
    this.budget.exempt(bytesOf(change));
  }

  isRefused(key: MemoryKey): boolean {
    return this.#refused.has(key);
  }

  /** Forgets the changes of a committed batch, but for those that changed while it was written. */
  committed(batch: readonly TakenChange[]): void {
    let entries = 0;
    let bytes = 0;
    for (const { memoryKey: key, change } of batch) {
      if (this.isRemoved(key)) continue;
      // It has a row now, also where something newer is dirty.
      for (const watch of this.#watches) watch.committed(key, change);
      if (this.#changes.get(key) !== change) continue;
      this.#changes.delete(key);
      if (this.#movedOut.size > 0) this.#movedOut.delete(key);
      if (this.#refused.size > 0) this.#refused.delete(key);
      if (this.#exempt.size > 0 && this.#exempt.has(key)) {
        this.#release(key, change);
        continue;
      }
      entries += 1;
      bytes += bytesOf(change);
    }
    if (this.#groups.size > 0) this.#untie(batch);
    this.#bytes -= bytes;
    // At once, and last: those who are let in find everything forgotten that is written.
    this.budget.release(entries, bytes);
  }

  /** Whether there is room for one more range that is to be removed. Nobody waits to remove everything. */
  hasRoomToRemove(range: KeyRange): boolean {
    return isEvery(range) || this.#removals.covers(range) || this.budget.hasRoom;
  }

  /** Makes the changes in a range void: its rows are to be removed before anything else is written. */
  remove(range: KeyRange): void {
    const before = this.#chargedRemovals;
    this.#removals.add(range);
    for (const watch of this.#watches) watch.removed(range);
    if (isEvery(range)) this.#dropAll();
    else this.#drop(range);
    this.#age.add();
    // Last: writes that wait are let in by what is void.
    this.budget.release(before - this.#chargedRemovals, 0);
  }

  removalCommitted(range: KeyRange): void {
    const before = this.#chargedRemovals;
    this.#removals.end(range);
    this.budget.release(before - this.#chargedRemovals, 0);
  }

  /** To remove everything is charged to nobody: there is one such range at most. */
  get #chargedRemovals(): number {
    return this.#removals.ranges.filter((range) => !isEvery(range)).length;
  }

  #dropAll(): void {
    const exempt = this.#exempt.size;
    for (const key of this.#exempt) this.#release(key, this.#changes.get(key) ?? null);
    const entries = this.#changes.size - exempt;
    const bytes = this.#bytes;
    this.#changes.clear();
    this.#groups.clear();
    this.#movedOut.clear();
    this.#refused.clear();
    this.#bytes = 0;
    this.budget.charge(-entries, -bytes);
  }

  #drop(range: KeyRange): void {
    for (const [key, change] of this.#changes) {
      if (!this.keySpace.isIn(key, range)) continue;
      this.#changes.delete(key);
      this.#refused.delete(key);
      this.#movedOut.delete(key);
      this.#release(key, change);
      const group = this.#groups.get(key);
      if (group === undefined) continue;
      group.delete(key);
      this.#groups.delete(key);
      for (const other of group) if (this.#movesOut(other, range)) this.#movedOut.add(other);
    }
  }

  #movesOut(key: MemoryKey, range: KeyRange): boolean {
    const change = this.#changes.get(key);
    return change !== undefined && change !== REMOVAL && !this.keySpace.isIn(key, range);
  }

  /** From now until {@link unwatch}, notes what is committed. */
  watch(): DirtyWatch {
    const watch = new DirtyWatch(this.keySpace, this.removals);
    this.#watches.add(watch);
    return watch;
  }

  unwatch(watch: DirtyWatch): void {
    this.#watches.delete(watch);
  }

  /** A pass over what is unwritten now begins. */
  beginPass(): void {
    this.#age.beginPass();
  }

  endPass(leftSomething: boolean): void {
    this.#age.endPass(leftSomething);
  }

  keys(): MemoryKey[] {
    return [...this.#changes.keys()];
  }

  /** The keys that get a value. */
  *putKeys(): Generator<MemoryKey> {
    for (const [key, change] of this.#changes) if (change !== REMOVAL) yield key;
  }

  entries(): Iterable<[MemoryKey, RowChange]> {
    return this.#changes;
  }

  /** Whether there are keys that must be written together. */
  get hasTies(): boolean {
    return this.#groups.size > 0;
  }

  /** The keys that must be written together with `key`; `undefined` where there is no tie. */
  groupOf(key: MemoryKey): ReadonlySet<MemoryKey> | undefined {
    return this.#groups.size === 0 ? undefined : this.#groups.get(key);
  }

  /** Whether a change that was taken is what the key is to become. */
  #isStill(key: MemoryKey, change: RowChange): boolean {
    return this.#changes.get(key) === change && !this.isRemoved(key);
  }

  /** What of a batch that was taken before is still to be written. */
  stillDirty<Row extends TakenChange>(atoms: readonly (readonly Row[])[]): (readonly Row[])[] {
    return atoms
      .map((atom) => atom.filter(({ memoryKey, change }) => this.#isStill(memoryKey, change)))
      .filter((atom) => atom.length > 0);
  }

  #charge(entries: number, bytes: number): void {
    this.#bytes += bytes;
    this.budget.charge(entries, bytes);
  }

  /** `change` is no longer what `key` is charged for. Nobody is let in by it: the next charge is at hand. */
  #release(key: MemoryKey, change: RowChange): void {
    const bytes = bytesOf(change);
    this.#bytes -= bytes;
    if (this.#exempt.delete(key)) this.budget.releaseExempt(bytes);
    else this.budget.charge(-1, -bytes);
  }

  /** The key has a new value, which must not wait for what the database refuses of its group. */
  #untieRefused(key: MemoryKey): void {
    for (const member of this.#groups.get(key) ?? []) this.#groups.delete(member);
  }

  /** A group was written as one; what its keys become from now on is theirs alone, unless a rename ties them anew. */
  #untie(batch: readonly TakenChange[]): void {
    for (const { memoryKey: key } of batch) {
      const group = this.#groups.get(key);
      if (group === undefined) continue;
      if (![...group].some((member) => this.#changes.has(member))) {
        for (const member of group) this.#groups.delete(member);
      }
    }
  }
}
