import type { KeyRange } from '../../src/core/keys/key-range.js';
import type {
  CacheStorageAdapter,
  NamespaceWrite,
  StorageFailure,
  StoredEntry,
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
  /** Every batch and clear that committed. */
  readonly committed: (readonly NamespaceWrite[] | { readonly clear: string; readonly range?: KeyRange })[];
  reads = 0;
  /** Fails the commits that hold one of these keys, as a constraint would. */
  readonly poison: Set<string>;
  readonly #lies: { aboutCommits: boolean };
  #down: ChaosError | undefined;

  constructor(inner: CacheStorageAdapter) {
    const committed: ChaosStorage['committed'] = [];
    const poison = new Set<string>();
    const lies = { aboutCommits: false };
    const commit = async (task: Promise<void>, what: ChaosStorage['committed'][number]): Promise<void> => {
      await task;
      committed.push(what);
      if (lies.aboutCommits) throw new ChaosError('transient');
    };
    super(
      standIn(() => inner, {
        write: async (batch, now) => {
          const keys = batch.flatMap(({ puts, deletes }) => [...puts.map((put) => put.key), ...deletes]);
          if (keys.some((key) => poison.has(key))) throw new ChaosError('permanent');
          await commit(inner.write(batch, now), batch);
        },
        clear: (namespace) => commit(inner.clear(namespace), { clear: namespace }),
        clearRange: (namespace, range) =>
          commit(inner.clearRange(namespace, range), { clear: namespace, range }),
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

  override read(namespace: string, keys: readonly string[]): Promise<readonly StoredEntry[]> {
    this.reads += 1;
    return super.read(namespace, keys);
  }

  override describe(): string {
    return 'chaos';
  }
}
