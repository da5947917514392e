import type { CacheStorageAdapter, StampedEntry } from '../../core/storage-adapter.js';
import type { TimedWrite } from '../../storage/listed-storage.js';
import type { InstanceWriter, WrittenRows } from '../instance-writer.js';
import { Refusals } from '../refusals.js';
import type { ReadRow } from './reader.js';

/** How often a batch is looked at again, of which others have changed rows between the look and the write. */
const TRIES = 20;

/** What becomes of a row in whose place there is another one. */
export type OnOther = 'keep' | 'overwrite';

/** What became of the rows of an import, or would. */
export class ImportCounts {
  written = 0;
  /** Of those: rows that took the place of others. */
  overwritten = 0;
  /** Rows that were there as they are. */
  unchanged = 0;
  /** Rows in whose place there is another one, which stays. */
  kept = 0;
  /** Rows that had expired. */
  expired = 0;
  readonly refused = new Refusals();

  get rows(): number {
    return this.written + this.unchanged + this.kept + this.expired + this.refused.count;
  }
}

/** Puts rows of an export into a storage, batch by batch. Without a writer it says what would become of them. */
export class RowImport {
  readonly counts = new ImportCounts();

  constructor(
    private readonly storage: Pick<CacheStorageAdapter, 'read'> | undefined,
    private readonly writer: InstanceWriter | undefined,
    private readonly onOther: OnOther,
    /** Wall-clock ms: what had expired by then is left out. */
    private readonly now: number,
  ) {}

  /** Imports rows of one namespace, no key twice, in one transaction. */
  async take(batch: readonly ReadRow[]): Promise<void> {
    const alive = batch.filter(({ expiresAt }) => expiresAt === null || expiresAt > this.now);
    this.counts.expired += batch.length - alive.length;
    let left: readonly ReadRow[] = alive;
    for (let tries = 0; left.length > 0; tries += 1) {
      const due = await this.#due(left);
      // A row that others write all the time is not waited for: the last word is the import's.
      const isBlind = this.onOther === 'overwrite' && tries >= TRIES;
      const lost = await this.#write(isBlind ? due.map(blind) : due);
      left = left.filter(({ key }) => lost.has(key));
    }
  }

  /** What is to be written of the rows. Counts the others. */
  async #due(rows: readonly ReadRow[]): Promise<readonly DueRow[]> {
    const [first] = rows;
    const keys = rows.map(({ key }) => key);
    const found = (await this.storage?.read(first?.namespace ?? '', keys)) ?? [];
    const there = new Map(found.map((row) => [row.key, row]));
    return rows.flatMap((row) => this.#decide(row, there.get(row.key)) ?? []);
  }

  #decide(row: ReadRow, found: StampedEntry | undefined): DueRow | undefined {
    const { namespace, key, value, expiresAt, writtenAt } = row;
    const write = { namespace, key, value, expiresAt, writtenAt };
    if (found === undefined) return { write: { ...write, expects: null }, isOverOther: false };
    const hasExpired = found.expiresAt !== null && found.expiresAt <= this.now;
    if (!hasExpired && found.value === value && found.expiresAt === expiresAt) this.counts.unchanged += 1;
    else if (!hasExpired && this.onOther === 'keep') this.counts.kept += 1;
    else return { write: { ...write, expects: found.stamp }, isOverOther: !hasExpired };
    return undefined;
  }

  /** Gives the keys whose rows have to be looked at again: others have changed them meanwhile. */
  async #write(due: readonly DueRow[]): Promise<ReadonlySet<string>> {
    const none = { conflicts: [], refused: [] };
    const writes = due.map(({ write }) => write);
    const outcome: WrittenRows = writes.length === 0 ? none : ((await this.writer?.write(writes)) ?? none);
    const lost = new Set(outcome.conflicts.map(({ key }) => key));
    const refused = new Set(outcome.refused.map(({ row }) => row.key));
    for (const { row, error } of outcome.refused) this.counts.refused.add(refusalOf(row.key, error));
    for (const { write, isOverOther } of due) {
      if (lost.has(write.key) || refused.has(write.key)) continue;
      this.counts.written += 1;
      if (isOverOther) this.counts.overwritten += 1;
    }
    return lost;
  }
}

/** A row that is to be written. */
interface DueRow {
  readonly write: TimedWrite;
  /** Whether it takes the place of one that has not expired. */
  readonly isOverOther: boolean;
}

function blind({ write, isOverOther }: DueRow): DueRow {
  return { write: { ...write, expects: undefined }, isOverOther };
}

function refusalOf(key: string, error: unknown): { reason: string; count: number; keys: string[] } {
  const message = error instanceof Error ? error.message : String(error);
  return { reason: `the database refuses it: ${message}`, count: 1, keys: [key] };
}
