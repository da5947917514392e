import type { KeyRange } from '../../src/core/keys/key-range.js';
import type {
  CacheStorageAdapter,
  LoadedPage,
  LoadPage,
  NamespaceWrite,
  StorageFailure,
  StoredEntry,
} from '../../src/core/storage-adapter.js';

/** What a storage throws when it is told to. */
export class ChaosError extends Error {
  constructor(
    readonly kind: StorageFailure,
    readonly code = kind === 'transient' ? 'CHAOS_DOWN' : 'CHAOS_REFUSED',
  ) {
    super(`chaos: ${kind}`);
  }
}

/** A real storage behind a wall: its calls can be held, made to fail, and counted. */
export class ChaosStorage implements CacheStorageAdapter {
  /** Every batch and clear that committed. */
  readonly committed: (readonly NamespaceWrite[] | { readonly clear: string; readonly range?: KeyRange })[] =
    [];
  reads = 0;
  /** While set, every call fails with it. */
  down: ChaosError | undefined;
  /** Fails the commits that hold one of these keys, as a constraint would. */
  readonly poison = new Set<string>();
  /** Commits, then says it failed: the outcome is unknown to the caller. */
  liesAboutCommits = false;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  constructor(private readonly inner: CacheStorageAdapter) {}

  /** From now on writes and clears wait. */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open();
    this.#gate = Promise.resolve();
  }

  get writes(): number {
    return this.committed.length;
  }

  open(): Promise<void> {
    return this.inner.open();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  async count(namespace: string, now: number, range?: KeyRange): Promise<number> {
    this.#mayFail();
    return this.inner.count(namespace, now, range);
  }

  async load(namespace: string, page: LoadPage): Promise<LoadedPage> {
    this.#mayFail();
    return this.inner.load(namespace, page);
  }

  async read(namespace: string, keys: readonly string[]): Promise<readonly StoredEntry[]> {
    this.reads += 1;
    this.#mayFail();
    return this.inner.read(namespace, keys);
  }

  async writtenAt(namespace: string, keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.#mayFail();
    return this.inner.writtenAt(namespace, keys);
  }

  async write(batch: readonly NamespaceWrite[], now: number): Promise<void> {
    await this.#gate;
    this.#mayFail();
    const keys = batch.flatMap(({ puts, deletes }) => [...puts.map((put) => put.key), ...deletes]);
    if (keys.some((key) => this.poison.has(key))) throw new ChaosError('permanent');
    await this.inner.write(batch, now);
    this.committed.push(batch);
    if (this.liesAboutCommits) throw new ChaosError('transient');
  }

  async clear(namespace: string): Promise<void> {
    await this.#gate;
    this.#mayFail();
    await this.inner.clear(namespace);
    this.committed.push({ clear: namespace });
    if (this.liesAboutCommits) throw new ChaosError('transient');
  }

  async clearRange(namespace: string, range: KeyRange): Promise<void> {
    await this.#gate;
    this.#mayFail();
    await this.inner.clearRange(namespace, range);
    this.committed.push({ clear: namespace, range });
    if (this.liesAboutCommits) throw new ChaosError('transient');
  }

  async purgeExpired(namespace: string, now: number): Promise<number> {
    this.#mayFail();
    return this.inner.purgeExpired(namespace, now);
  }

  classify(error: unknown): StorageFailure {
    return error instanceof ChaosError ? error.kind : this.inner.classify(error);
  }

  describe(): string {
    return 'chaos';
  }

  #mayFail(): void {
    if (this.down !== undefined) throw this.down;
  }
}
