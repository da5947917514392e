import { CacheError } from '../core/cache-error.js';
import type { ListedStorage, LoadCursor, LoadedPage, StoredEntry } from '../core/storage-adapter.js';

/** Rows in memory at a time, and in a transaction. */
const PAGE_SIZE = 1000;

export interface StorageCopyOptions {
  /** The namespaces to copy. */
  readonly namespaces: readonly string[];
  /** Whether rows of the target may be overwritten by others. None is ever removed. */
  readonly force: boolean;
  /** Wall-clock ms: what had expired by then counts as absent. */
  readonly now: number;
}

/** What is to be copied of one namespace, or what was. */
export interface NamespaceCopy {
  readonly namespace: string;
  /** Its rows in the source. */
  readonly rows: number;
  /** Those that the target had already. */
  readonly unchanged: number;
  /** Rows of the source that can't be copied: their keys are no text. Known of what was copied. */
  readonly unreadable?: number;
}

/** Told after each page: how many of `total` rows of a namespace are done with. */
export type CopyListener = (namespace: string, done: number, total: number) => void;

/**
 * Those of the `wanted` namespaces that `source` has, or all of them. Rejects with `UNKNOWN_NAMESPACE` for one that it has
 * no rows of, and where it has none at all.
 */
export async function namespacesToCopy(
  source: ListedStorage,
  wanted: readonly string[] | undefined,
): Promise<readonly string[]> {
  const present = await source.namespaces();
  if (present.length === 0) {
    throw new CacheError(
      'UNKNOWN_NAMESPACE',
      'The source holds no rows of a cache. Check the address (--from).',
    );
  }
  const unknown = (wanted ?? []).filter((name) => !present.includes(name));
  if (unknown.length === 0) return wanted === undefined ? present : [...new Set(wanted)];
  throw new CacheError(
    'UNKNOWN_NAMESPACE',
    `The source has no rows of namespace '${unknown.join("', '")}'. It has '${present.join("', '")}'.`,
  );
}

/**
 * Copies rows of one open storage into another, with their expiry and the times they were written at. Rows that are
 * there already are left alone, so that a copy that was interrupted is finished by repeating it.
 */
export class StorageCopy {
  constructor(
    private readonly source: ListedStorage,
    private readonly target: ListedStorage,
    private readonly options: StorageCopyOptions,
  ) {}

  /**
   * What there is to copy; writes nothing. Rejects with `TARGET_NOT_EMPTY` where the target holds rows that the source
   * does not, unless forced.
   */
  async plan(): Promise<NamespaceCopy[]> {
    const inTarget = new Set(await this.target.namespaces());
    const plan: NamespaceCopy[] = [];
    const refused: string[] = [];
    for (const namespace of this.options.namespaces) {
      const rows = await this.source.count(namespace, this.options.now);
      const there = inTarget.has(namespace) ? await this.#compareTarget(namespace) : { same: 0, other: 0 };
      if (there.other > 0) refused.push(`'${namespace}' (${there.other})`);
      plan.push({ namespace, rows, unchanged: there.same });
    }
    if (refused.length > 0 && !this.options.force) {
      throw new CacheError(
        'TARGET_NOT_EMPTY',
        `The target has rows that the source does not have, or has with other values, in namespace ${refused.join(', ')}. ` +
          'Choose an empty target or other namespaces (--namespace), or let the source overwrite the keys that both have (--force).',
      );
    }
    return plan;
  }

  /** Copies what {@link plan} gave. */
  async run(plan: readonly NamespaceCopy[], listener: CopyListener): Promise<NamespaceCopy[]> {
    const copied: NamespaceCopy[] = [];
    for (const { namespace, rows } of plan) {
      let done = 0;
      let written = 0;
      let unreadable = 0;
      listener(namespace, 0, rows);
      for await (const { rows: page, unreadable: without } of this.#pagesOf(this.source, namespace)) {
        unreadable += without?.count ?? 0;
        const missing = await this.#missing(namespace, page);
        await this.#write(namespace, missing);
        done += page.length;
        written += missing.length;
        listener(namespace, done, Math.max(done, rows));
      }
      copied.push({
        namespace,
        rows: done,
        unchanged: done - written,
        ...(unreadable > 0 && { unreadable }),
      });
    }
    return copied;
  }

  /** Reads both sides again. Rejects with `COPY_INCOMPLETE` when the target lacks anything of the source. */
  async verify(copied: readonly NamespaceCopy[], listener: CopyListener): Promise<void> {
    for (const { namespace, rows } of copied) {
      let done = 0;
      let wrong = 0;
      listener(namespace, 0, rows);
      for await (const { rows: page } of this.#pagesOf(this.source, namespace)) {
        wrong += (await this.#missing(namespace, page)).length;
        done += page.length;
        listener(namespace, done, Math.max(done, rows));
      }
      const counted = await this.target.count(namespace, this.options.now);
      const isWhole = this.options.force ? counted >= done : counted === done;
      if (wrong === 0 && done === rows && isWhole) continue;
      throw new CacheError(
        'COPY_INCOMPLETE',
        `Namespace '${namespace}' does not hold the same in both: ${done} rows in the source, ${counted} in the target, ` +
          `${wrong} of the source missing or different. Something wrote to one of them meanwhile: stop the applications ` +
          'that use them, and copy again with --force.',
        { namespace },
      );
    }
  }

  /** How many rows of the target the source has as they are, and how many it does not. */
  async #compareTarget(namespace: string): Promise<{ same: number; other: number }> {
    let same = 0;
    let other = 0;
    for await (const { rows: page, unreadable } of this.#pagesOf(this.target, namespace)) {
      other += unreadable?.count ?? 0;
      const rows = await this.#rowsOf(this.source, namespace, page);
      for (const entry of page) {
        if (isSame(rows.get(entry.key), entry)) same += 1;
        else other += 1;
      }
    }
    return { same, other };
  }

  /** Those of `page` that the target does not have as they are. */
  async #missing(namespace: string, page: readonly StoredEntry[]): Promise<StoredEntry[]> {
    const rows = await this.#rowsOf(this.target, namespace, page);
    return page.filter((entry) => !isSame(rows.get(entry.key), entry));
  }

  /** One transaction for each time of writing: the port writes a batch as of one time. */
  async #write(namespace: string, entries: readonly StoredEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const times = await this.source.writtenAt(
      namespace,
      entries.map((entry) => entry.key),
    );
    const byTime = new Map<number, StoredEntry[]>();
    for (const entry of entries) {
      const time = times.get(entry.key) ?? this.options.now;
      const group = byTime.get(time);
      if (group === undefined) byTime.set(time, [entry]);
      else group.push(entry);
    }
    for (const [time, puts] of byTime) {
      await this.target.write([{ namespace, puts, deletes: [] }], time).catch((cause: unknown) => {
        throw new CacheError(
          'WRITE_FAILED',
          `The target does not take rows of namespace '${namespace}': ${cause instanceof Error ? cause.message : String(cause)}. ` +
            'What was copied stays: put right what it says, and run the command again to go on.',
          { namespace, cause },
        );
      });
    }
  }

  async #rowsOf(
    storage: ListedStorage,
    namespace: string,
    page: readonly StoredEntry[],
  ): Promise<ReadonlyMap<string, StoredEntry>> {
    const rows = await storage.read(
      namespace,
      page.map((entry) => entry.key),
    );
    return new Map(rows.map((row) => [row.key, row]));
  }

  async *#pagesOf(storage: ListedStorage, namespace: string): AsyncGenerator<LoadedPage> {
    let after: LoadCursor | undefined;
    do {
      const page = await storage.load(namespace, { after, limit: PAGE_SIZE, now: this.options.now });
      yield page;
      after = page.next;
    } while (after !== undefined);
  }
}

function isSame(a: StoredEntry | undefined, b: StoredEntry): boolean {
  return a !== undefined && a.value === b.value && a.expiresAt === b.expiresAt;
}
