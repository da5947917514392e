import { CacheError } from '../core/cache-error.js';
import type { ListedStorage, RefusedRows } from '../storage/listed-storage.js';
import type { ProgressListener } from './progress.js';
import { Refusals } from './refusals.js';
import { compareRows } from './row-comparison.js';
import { TargetWriter } from './target-writer.js';

export interface StorageCopyOptions {
  /** The namespaces to copy. */
  readonly namespaces: readonly string[];
  /** Whether rows of the target may be overwritten by others. None is ever removed. */
  readonly force: boolean;
  /** Wall-clock ms: what had expired by then counts as absent. */
  readonly now: number;
}

/** What there is to copy of one namespace. */
export interface NamespacePlan {
  readonly namespace: string;
  /** Its rows in the source. */
  readonly rows: number;
  /** Whether the target has rows of it. It may not even have a table. */
  readonly isInTarget: boolean;
}

/** What became of the rows of one namespace. */
export interface NamespaceCopy {
  readonly namespace: string;
  /** Its rows in the source. */
  readonly rows: number;
  readonly copied: number;
  /** Rows that the target had already. */
  readonly unchanged: number;
  /** Rows that can't be copied: the source has them in a way that nothing else could hold, or the target refuses them. */
  readonly refused: readonly RefusedRows[];
  /** How many of those the target refuses. */
  readonly refusedByTarget: number;
  /** Rows whose time of writing is unknown; they are copied without it. */
  readonly untimed: readonly RefusedRows[];
}

/**
 * Copies rows of one open storage into another, with their expiry and the times they were written at. Rows that are
 * there already are left alone, so that a copy that was interrupted is finished by repeating it.
 */
export class StorageCopy {
  readonly #writer: TargetWriter | undefined;

  constructor(
    private readonly source: ListedStorage,
    /** `undefined` where there is none yet: then nothing can be written. */
    private readonly target: ListedStorage | undefined,
    private readonly options: StorageCopyOptions,
    /** Asked before each write to the target, which fails with it. */
    admit: () => Promise<void> | undefined = () => undefined,
  ) {
    this.#writer = target && new TargetWriter(target, admit);
  }

  /**
   * What there is to copy; writes nothing. Rejects with `TARGET_NOT_EMPTY` where the target holds rows that the source
   * does not, unless forced.
   */
  async plan(): Promise<NamespacePlan[]> {
    const inTarget = new Set(await this.target?.namespaces());
    const plan: NamespacePlan[] = [];
    const occupied: string[] = [];
    for (const namespace of this.options.namespaces) {
      const isInTarget = inTarget.has(namespace);
      const others = isInTarget && !this.options.force ? await this.#othersIn(namespace) : 0;
      if (others > 0) occupied.push(`'${namespace}' (${others})`);
      plan.push({ namespace, rows: await this.source.count(namespace, this.options.now), isInTarget });
    }
    if (occupied.length === 0) return plan;
    throw new CacheError(
      'TARGET_NOT_EMPTY',
      `The target has rows that the source does not have, or has with other values, in namespace ${occupied.join(', ')}. ` +
        'Choose an empty target or other namespaces (--namespace), or let the source overwrite the keys that both have (--force).',
    );
  }

  /** Copies what {@link plan} gave. In a dry run it reports what it would do, as far as that is known without writing. */
  async run(
    plan: readonly NamespacePlan[],
    listener: ProgressListener,
    { dryRun = false } = {},
  ): Promise<NamespaceCopy[]> {
    const copies: NamespaceCopy[] = [];
    for (const { namespace, rows: expected, isInTarget } of plan) {
      const other = isInTarget ? this.target : undefined;
      const refusals = new Refusals();
      const untimed = new Refusals();
      let rows = 0;
      let copied = 0;
      let unchanged = 0;
      let refusedByTarget = 0;
      listener(namespace, 0, expected);
      for await (const part of compareRows(namespace, this.source, other, this.options.now)) {
        for (const refused of part.refused) refusals.add(refused);
        for (const row of part.rows) if (row.writtenAt === 'unclear') untimed.add(UNTIMED(row.key));
        const refused = dryRun ? [] : ((await this.#writer?.write(namespace, part.missing)) ?? []);
        for (const one of refused) refusals.add(one);
        refusedByTarget += refused.length;
        copied += part.missing.length - refused.length;
        unchanged += part.rows.length - part.missing.length;
        rows = copied + unchanged + refusals.count;
        listener(namespace, rows, Math.max(rows, expected));
      }
      const lists = { refused: refusals.list(), untimed: untimed.list() };
      copies.push({ namespace, rows, copied, unchanged, refusedByTarget, ...lists });
    }
    return copies;
  }

  /** Reads both sides again. Rejects with `COPY_INCOMPLETE` when the target lacks anything that was copied to it. */
  async verify(copies: readonly NamespaceCopy[], listener: ProgressListener): Promise<void> {
    for (const { namespace, rows, refused, refusedByTarget } of copies) {
      let done = 0;
      let missing = 0;
      listener(namespace, 0, rows);
      for await (const part of compareRows(namespace, this.source, this.target, this.options.now)) {
        missing += part.missing.length;
        done += part.rows.length + countOf(part.refused);
        listener(namespace, done, Math.max(done, rows));
      }
      const counted = (await this.target?.count(namespace, this.options.now)) ?? 0;
      const due = rows - countOf(refused);
      const isWhole = this.options.force ? counted >= due : counted === due;
      if (missing === refusedByTarget && done === rows && isWhole) continue;
      throw new CacheError(
        'COPY_INCOMPLETE',
        `Namespace '${namespace}' does not hold the same in both: ${done} rows in the source, ${counted} in the target, ` +
          `${missing - refusedByTarget} of the source missing or different. Either something wrote to one of them meanwhile: ` +
          'stop the applications that use them, and copy again with --force. Or the target changes what is written to it, by a ' +
          'trigger that its user may not see: remove that.',
        { namespace },
      );
    }
  }

  /** How many rows of the target the source does not have as they are. */
  async #othersIn(namespace: string): Promise<number> {
    if (this.target === undefined) return 0;
    let others = 0;
    for await (const part of compareRows(namespace, this.target, this.source, this.options.now))
      others += part.missing.length + countOf(part.refused);
    return others;
  }
}

const UNTIMED = (key: string): RefusedRows => ({
  reason: "the time of writing can't be told, and the row is copied without one",
  count: 1,
  keys: [key],
});

function countOf(refused: readonly RefusedRows[]): number {
  return refused.reduce((total, { count }) => total + count, 0);
}
