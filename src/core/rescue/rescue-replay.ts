import type { CacheLogger } from '../cache-logger.js';
import { publish } from '../diagnostics.js';
import { contains, EVERY_KEY, isWithin, type KeyRange } from '../keys/key-range.js';
import { counted } from '../listed.js';
import type { CacheStorageAdapter, LoadCursor, RowWrite, StoredEntry } from '../storage-adapter.js';
import type { StorageWriter } from '../writing/storage-writer.js';
import type { RescuedWrite, RescueJournal } from './rescue-journal.js';

/** Rows looked at, and written, at a time. */
const CHUNK = 1000;

type KeyWrite = Extract<RescuedWrite, { key: string }>;
type Removal = Exclude<RescuedWrite, KeyWrite>;

/**
 * Writes the journal of an earlier stop into the database before anyone reads from it. It never replaces a newer row, and
 * may run any number of times. The journal is removed when all of it is committed; refused entries are kept aside.
 */
export class RescueReplay {
  #written = 0;
  #skipped = 0;
  readonly #refused: RescuedWrite[] = [];

  constructor(
    private readonly storage: CacheStorageAdapter,
    private readonly writer: StorageWriter,
    private readonly journal: RescueJournal,
    private readonly logger: CacheLogger,
  ) {}

  /** Rejects when the database can't take it now; the journal is then as it was. */
  async run(): Promise<void> {
    const rescued = await this.journal.read();
    if (rescued === undefined) return;
    const namespaces = new Set(rescued.writes.map((write) => write.namespace));
    for (const namespace of namespaces) {
      await this.#replay(
        namespace,
        rescued.writes.filter((write) => write.namespace === namespace),
      );
    }
    await this.#end(rescued.damaged);
  }

  async #replay(namespace: string, writes: readonly RescuedWrite[]): Promise<void> {
    // The last write of a key is the only one that counts; a clear makes void what came before it.
    const last = new Map<string, KeyWrite>();
    let removals: Removal[] = [];
    for (const write of writes) {
      if ('key' in write) last.set(write.key, write);
      else {
        for (const key of last.keys()) if (isWithin(key, rangeOf(write))) last.delete(key);
        removals = [...removals.filter((removal) => !contains(rangeOf(write), rangeOf(removal))), write];
      }
    }
    for (const removal of removals) await this.#clear(removal);
    const keyWrites = [...last.values()];
    for (let start = 0; start < keyWrites.length; start += CHUNK) {
      await this.#write(namespace, keyWrites.slice(start, start + CHUNK));
    }
  }

  /** Removes the rows that were there when they were to be cleared, and not those that came later. */
  async #clear(removal: Removal): Promise<void> {
    const { namespace, at } = removal;
    const range = rangeOf(removal);
    let after: LoadCursor | undefined;
    do {
      const { rows, next } = await this.storage.load(namespace, { after, limit: CHUNK, now: 0 });
      const keys = rows.map((row) => row.key).filter((key) => isWithin(key, range));
      const times = await this.storage.writtenAt(namespace, keys);
      const deletes = keys.filter((key) => (times.get(key) ?? 0) <= at);
      if (deletes.length > 0) await this.#remove(namespace, deletes);
      after = next;
    } while (after !== undefined);
  }

  async #write(namespace: string, writes: readonly KeyWrite[]): Promise<void> {
    const keys = writes.map((write) => write.key);
    const times = await this.storage.writtenAt(namespace, keys);
    const rows = new Map((await this.storage.read(namespace, keys)).map((row) => [row.key, row]));
    const due = writes.filter((write) => !isNewer(times.get(write.key), rows.get(write.key), write));
    this.#skipped += writes.length - due.length;
    const { refused, deferred, error } = await this.writer.write(
      due.map((write) => [new JournalRow(write)]),
      {
        committed: (written) => {
          this.#written += written.length;
        },
        fateOfRefused: 'It is kept beside the rescue journal.',
        // A journal may hold refused entries only: the stop wrote the good ones.
        refusalsWithoutSuccess: Infinity,
      },
    );
    for (const { items } of refused) this.#refused.push(...items.map((row) => row.write));
    if (deferred.length > 0) throw error;
  }

  async #remove(namespace: string, keys: readonly string[]): Promise<void> {
    const rows = keys.map((key): RowWrite => ({ namespace, key, value: undefined, expiresAt: null }));
    const { refused, deferred, error } = await this.writer.write([rows], {
      committed: () => undefined,
      fateOfRefused: 'The rescue journal stays as it is.',
    });
    if (deferred.length > 0) throw error;
    for (const { error: reason } of refused) throw reason;
  }

  async #end(damaged: boolean): Promise<void> {
    const where = this.journal.describe();
    publish({
      type: 'journal-replayed',
      written: this.#written,
      skipped: this.#skipped,
      refused: this.#refused.length,
    });
    this.logger.log(
      `Replayed ${where}: ${counted(this.#written, 'entry', 'entries')} written, ${this.#skipped} left out because the database has newer rows.`,
    );
    if (this.#refused.length > 0) {
      const aside = await this.journal.keepRefused(this.#refused);
      this.logger.error(
        `The database refuses ${counted(this.#refused.length, 'entry', 'entries')} of ${where}: kept in ${aside}.`,
      );
    }
    if (!damaged) {
      await this.journal.remove();
      return;
    }
    const aside = await this.journal.setAside();
    this.logger.error(
      `${where} was damaged: what could be read of it is replayed, and the file is kept as ${aside}.`,
    );
  }
}

function rangeOf(removal: Removal): KeyRange {
  return removal.op === 'clear' ? EVERY_KEY : removal.range;
}

/** Whether the row was written after the rescue, by somebody else than the write that was underway then. */
function isNewer(writtenAt: number | undefined, row: StoredEntry | undefined, write: KeyWrite): boolean {
  if (writtenAt === undefined || row === undefined || writtenAt <= write.at) return false;
  return !('underway' in write) || write.underway !== row.value;
}

/** A journalled write as the row that is written for it. */
class JournalRow implements RowWrite {
  readonly namespace: string;
  readonly key: string;
  readonly value: string | undefined;
  readonly expiresAt: number | null;

  constructor(readonly write: KeyWrite) {
    this.namespace = write.namespace;
    this.key = write.key;
    this.value = write.op === 'put' ? write.value : undefined;
    this.expiresAt = write.op === 'put' ? write.expiresAt : null;
  }
}
