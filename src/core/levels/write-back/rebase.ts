import type { EngineContext } from '../../context.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { Conflict, ConflictMerge } from '../../definition/conflict-rule.js';
import { stampOf, valueOf, type KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { ValueEncoder } from '../../entries/value-encoder.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { Stamp, StampedEntry } from '../../storage-adapter.js';
import { StoredValue } from '../../values/stored-value.js';
import { abandon, isThenable } from '../../values/thenable.js';
import type { BaseRow } from './base-rows.js';
import type { DirtyEntries, TakenChange } from './dirty-entries.js';
import { dirtyRow, type DirtyRow } from './dirty-row.js';
import type { Provenance } from './provenance.js';
import { changeOf, expiryOf, REMOVAL, storedIn, type RowChange } from './row-change.js';

export interface RebaseOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly values: ValueEncoder<V>;
  readonly context: EngineContext;
  readonly dirty: DirtyEntries;
  readonly provenance: Provenance;
  /** Whether a stamp is one of this process. */
  readonly isOwn: (stamp: Stamp) => boolean;
}

/** A dirty entry beside the row that there is. */
interface Member<V> {
  readonly key: MemoryKey;
  readonly change: RowChange;
  readonly row: StampedEntry | undefined;
  /** What the row holds. */
  readonly found: KnownValue<V>;
  readonly base: BaseRow | undefined;
  readonly isInConflict: boolean;
}

/** What becomes of dirty entries that must be written together. */
export interface Rebased {
  /** What is to be written: nothing where it was given up, or is left for later. */
  readonly rows: readonly DirtyRow[];
  /** The keys of which others have written the rows. */
  readonly conflicts: readonly string[];
  /** Whether it is left for later, since rows belong to it now that are not held. */
  readonly isLeft: boolean;
}

const LEFT: Rebased = Object.freeze({ rows: [], conflicts: [], isLeft: true });

/**
 * Brings dirty entries upon the rows that others have written, as the namespace's `onConflict` says: from then on they are built
 * on those, in memory, too. It is done where these are held; whether what comes of it is then committed makes no difference.
 */
export class Rebase<V> {
  /** How many were done. What was decided on a dirty entry before may be outdated. */
  count = 0;

  constructor(private readonly options: RebaseOptions<V>) {}

  /** Throws what a merge throws: everything is then as it was. */
  of(atom: readonly DirtyRow[], rows: ReadonlyMap<string, StampedEntry>): Rebased {
    const { dirty, definition, keys } = this.options;
    const still = atom.filter(
      ({ memoryKey }) => dirty.get(memoryKey) !== undefined && !dirty.isRemoved(memoryKey),
    );
    if (!this.#isWhole(still)) return LEFT;
    const members = still.map(({ key, memoryKey }) => this.#member(memoryKey, rows.get(key)));
    const inConflict = members.filter((member) => member.isInConflict);
    const conflicts = inConflict.map(({ key }) => keys.textOf(key));
    const rule = definition.onConflict;
    if (inConflict.length > 0) this.count += 1;
    if (inConflict.length > 0 && rule === 'theirs') {
      this.#giveUp(members);
      return { rows: [], conflicts, isLeft: false };
    }
    // All of them first: where one can't be merged, none is.
    if (typeof rule === 'function')
      inConflict
        .map((member) => ({ member, merged: this.#merge(member, rule) }))
        .forEach(({ member, merged }) => this.#take(member.key, merged));
    const written = members.map(({ key, row, found, base }) => {
      if (base !== undefined) this.options.provenance.rebase(key, row, found);
      // What a merge may have put there.
      const taken = dirtyRow(definition, keys, key, dirty.get(key) as RowChange);
      taken.expects = base === undefined ? undefined : (row?.stamp ?? null);
      return taken;
    });
    return { rows: written, conflicts, isLeft: false };
  }

  /** Whether nothing was tied to them since they were taken: that row is not held. */
  #isWhole(atom: readonly TakenChange[]): boolean {
    const { dirty } = this.options;
    const held = new Set(atom.map(({ memoryKey }) => memoryKey));
    return atom.every(({ memoryKey }) =>
      [...(dirty.groupOf(memoryKey) ?? [])].every((key) => held.has(key) || dirty.get(key) === undefined),
    );
  }

  #member(key: MemoryKey, row: StampedEntry | undefined): Member<V> {
    const { dirty, provenance, entries } = this.options;
    const change = dirty.get(key) ?? REMOVAL;
    const base = provenance.rowOf(key);
    const found = entries.reader.found(row);
    const isInConflict = base !== undefined && this.#isTheirs(base, change, found);
    return { key, change, row, found, base, isInConflict };
  }

  /** Whether others have made of an entry what `found` is. */
  #isTheirs(base: BaseRow, change: RowChange, found: KnownValue<V>): boolean {
    const { isOwn, context } = this.options;
    const stamp = stampOf(found);
    if (stamp === base.stamp) return false;
    // An attempt to write it that ended nobody knows how.
    if (typeof stamp === 'number' && isOwn(stamp)) return false;
    if (found.kind !== 'absent') return true;
    // Both of them have removed it, or what was there has expired: nobody has changed anything.
    const hasExpired = base.expiresAt !== null && base.expiresAt <= context.clock.now();
    return change !== REMOVAL && base.stamp !== null && !hasExpired && !base.mayBeGone;
  }

  #giveUp(members: readonly Member<V>[]): void {
    const { dirty, provenance, entries } = this.options;
    for (const { key, row, found } of members) {
      entries.replace(key, found);
      provenance.gaveUp(key, row);
    }
    // Last: it lets others in, who build on what is known then.
    dirty.giveUp(
      members.map(({ key, row }) => ({
        memoryKey: key,
        change: row === undefined ? REMOVAL : changeOf(row.value, row.expiresAt),
      })),
    );
  }

  #merge({ change, base, found }: Member<V>, merge: ConflictMerge<V>): StoredValue<V> | undefined {
    const { definition, context, values } = this.options;
    const codec = definition.value;
    const ours = storedIn<V>(change, context.clock.now());
    const conflict = {
      base: this.#baseValue(base),
      mine: ours?.read(codec),
      // Throws where it does not decode: nothing is built on a loss.
      theirs: valueOf(found, codec),
    } as Conflict<V>;
    const merged = merge(conflict) as V | undefined;
    if (merged === undefined) return undefined;
    if (isThenable(merged)) {
      abandon(merged);
      throw new TypeError('onConflict gave a promise: it has to give the value at once.');
    }
    const theirExpiry = found.kind === 'present' ? found.stored.expiresAt : null;
    return values.storedUntil(merged, ours === undefined ? theirExpiry : expiryOf(change));
  }

  #baseValue(base: BaseRow | undefined): V | undefined {
    const text = base?.text;
    return text === undefined
      ? undefined
      : new StoredValue<V>(text, null).read(this.options.definition.value);
  }

  /** What a merge gives is dirty from now on. */
  #take(key: MemoryKey, merged: StoredValue<V> | undefined): void {
    const { dirty, entries } = this.options;
    dirty.replace(key, merged === undefined ? REMOVAL : changeOf(merged.text, merged.expiresAt));
    entries.applyWrite(key, merged);
  }
}
