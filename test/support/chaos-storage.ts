import type { KeyRange } from '../../src/core/keys/key-range.js';
import type {
  Atom,
  AtomOutcome,
  CacheStorageAdapter,
  RowWrite,
  StampedEntry,
  StorageFailure,
} from '../../src/core/storage-adapter.js';
import { FaultyStorage, StorageFault } from '../../src/testing/index.js';
import { standIn } from '../../src/testing/stand-in.js';

/** What a storage throws when it is told to. */
export class ChaosError extends StorageFault {
  constructor(kind: StorageFailure, code = kind === 'transient' ? 'CHAOS_DOWN' : 'CHAOS_REFUSED') {
    super(kind, code);
  }
}

/** The storage of users' tests, with the faults besides that the cache alone has to know, and what came through it. */
export class ChaosStorage extends FaultyStorage {
  /** The rows of every write that committed, and every clear. */
  readonly committed: (readonly RowWrite[] | { readonly clear: string; readonly range?: KeyRange })[];
  reads = 0;
  /** Fails the commits that hold one of these keys, as a constraint would. */
  readonly poison: Set<string>;
  readonly #lies: { aboutCommits: boolean };
  #down: ChaosError | undefined;

  constructor(inner: CacheStorageAdapter) {
    const committed: ChaosStorage['committed'] = [];
    const poison = new Set<string>();
    const lies = { aboutCommits: false };
    const hasCommitted = (what: ChaosStorage['committed'][number]): void => {
      committed.push(what);
      if (lies.aboutCommits) throw new ChaosError('transient');
    };
    const assertTaken = (atoms: readonly Atom[]): void => {
      if (atoms.flat().some(({ key }) => poison.has(key))) throw new ChaosError('permanent');
    };
    const haveCommitted = (atoms: readonly Atom[], outcomes: readonly AtomOutcome[]): void =>
      hasCommitted(atoms.filter((_, i) => outcomes[i]?.kind === 'committed').flat());
    super(
      standIn(() => inner, {
        write: async (atoms, commit) => {
          assertTaken(atoms);
          const outcomes = await inner.write(atoms, commit);
          haveCommitted(atoms, outcomes);
          return outcomes;
        },
        modify: async (namespace, keys, decide, commit) => {
          let atoms: readonly Atom[] = [];
          const decided = (rows: readonly StampedEntry[]): readonly Atom[] => {
            atoms = decide(rows);
            assertTaken(atoms);
            return atoms;
          };
          const outcomes = await inner.modify(namespace, keys, decided, commit);
          haveCommitted(atoms, outcomes);
          return outcomes;
        },
        clear: async (namespace, commit) => {
          await inner.clear(namespace, commit);
          hasCommitted({ clear: namespace });
        },
        clearRange: async (namespace, range, commit) => {
          const removed = await inner.clearRange(namespace, range, commit);
          hasCommitted({ clear: namespace, range });
          return removed;
        },
      }),
    );
    this.committed = committed;
    this.poison = poison;
    this.#lies = lies;
  }

  /** Commits, then says it failed: the outcome is unknown to the caller. */
  set liesAboutCommits(lies: boolean) {
    this.#lies.aboutCommits = lies;
  }

  /** While set, every call fails with it. */
  get down(): ChaosError | undefined {
    return this.#down;
  }

  set down(error: ChaosError | undefined) {
    this.#down = error;
    const times = error === undefined ? 0 : Infinity;
    this.failReads(times, error);
    this.failWrites(times, error);
  }

  /** From now on writes and clears wait. */
  hold(): void {
    this.hang('writes');
  }

  release(): void {
    const { down } = this;
    this.heal();
    this.down = down;
  }

  get writes(): number {
    return this.committed.length;
  }

  override read(namespace: string, keys: readonly string[]): Promise<readonly StampedEntry[]> {
    this.reads += 1;
    return super.read(namespace, keys);
  }

  override describe(): string {
    return 'chaos';
  }
}
