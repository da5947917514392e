import { sleep } from '../clock.js';
import type { EngineContext } from '../context.js';
import { report } from '../diagnostics.js';
import { counted } from '../listed.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import type { StorageWriter } from '../writing/storage-writer.js';
import { firstKeys } from './first-keys.js';
import { JournalReplay } from './journal-replay.js';
import type { ClaimedJournal, RescuedWrite, RescueJournal } from './rescue-journal.js';

/** How long another start is left alone with a journal, ms: it may have died. */
const OTHERS_TAKE_MS = 5000;
const LOOK_EVERY_MS = 50;

/**
 * Replays what earlier stops have left for this storage, before anyone reads from it, process by process. A journal is removed
 * when all of it is committed or kept elsewhere: what the database refuses, and what meets rows that may be newer.
 */
export class RescueReplay {
  /** The journals of other storages that were spoken of. */
  readonly #foreign = new Set<string>();

  constructor(
    private readonly storage: CacheStorageAdapter,
    private readonly writer: StorageWriter,
    private readonly journal: RescueJournal,
    private readonly context: EngineContext,
  ) {}

  /** Rejects when the database can't take it now; what is not replayed is claimed anew by the next run. */
  async run(): Promise<void> {
    let lost: readonly ClaimedJournal[];
    do {
      const claimed = await this.journal.claim(this.storage.identity, (place) => this.#leave(place));
      const left: ClaimedJournal[] = [];
      for (const journal of claimed) if (!(await this.#replay(journal))) left.push(journal);
      lost = left;
      await this.#whileWithOthers(lost);
    } while (lost.length > 0);
  }

  /** Waits for other starts to be done with journals that they have claimed, as long as they may be alive. */
  async #whileWithOthers(journals: readonly ClaimedJournal[]): Promise<void> {
    const { clock } = this.context;
    const deadline = clock.monotonic() + OTHERS_TAKE_MS;
    while (journals.some((journal) => journal.isWithOthers()) && clock.monotonic() < deadline)
      await sleep(clock, LOOK_EVERY_MS);
  }

  #leave(place: string): void {
    if (this.#foreign.has(place)) return;
    this.#foreign.add(place);
    this.context.logger.warn(
      `The rescue journal ${place} holds writes for another database. It stays there, until the cache starts on that one. ` +
        `If that one is gone for good, ${LOOK}, and move it away.`,
    );
  }

  /** Gives false where another start has claimed it meanwhile. */
  async #replay(journal: ClaimedJournal): Promise<boolean> {
    const { storage, writer, context } = this;
    const replay = new JournalReplay(storage, writer, journal, context.clock);
    await replay.run();
    if (!journal.isHeld()) return false;
    const { written, spared, conflicts, refused } = replay;
    report(
      { type: 'journal-replayed', written, conflicts: conflicts.length, refused: refused.length },
      context,
    );
    context.logger.log(`Replayed ${journal.describe()}: ${counted(written, 'entry', 'entries')} written.`);
    if (spared > 0) {
      context.logger.warn(
        `${journal.describe()} clears keys of which ${counted(spared, 'row', 'rows')} of other processes stay: nothing proves that ` +
          'they are older than it. Clear those keys again if they are to go.',
      );
    }
    if (conflicts.length > 0) await this.#keepConflicts(journal, conflicts);
    if (refused.length > 0) await this.#keepRefused(journal, refused);
    return this.#end(journal);
  }

  async #keepConflicts(journal: ClaimedJournal, conflicts: readonly RescuedWrite[]): Promise<void> {
    const aside = await this.journal.keep('conflicts', conflicts);
    const why = journal.isUnstamped
      ? 'an earlier version of the cache has left it, so nothing proves that it is newer than what the database has'
      : 'their rows are newer, or gone, or nothing proves that they are older';
    this.context.logger.error(
      `Not replayed of ${journal.describe()}: ${counted(conflicts.length, 'entry', 'entries')} (first keys: ${named(conflicts)}): ${why}. ` +
        `The database stays as it is. They are kept in ${aside}: ${LOOK}, and delete the file.`,
    );
  }

  async #keepRefused(journal: ClaimedJournal, refused: readonly RescuedWrite[]): Promise<void> {
    const aside = await this.journal.keep('refused', refused);
    this.context.logger.error(
      `The database refuses ${counted(refused.length, 'entry', 'entries')} of ${journal.describe()} ` +
        `(first keys: ${named(refused)}): kept in ${aside}.`,
    );
  }

  async #end(journal: ClaimedJournal): Promise<boolean> {
    if (!journal.damaged) return journal.remove();
    const where = journal.describe();
    const aside = await journal.setAside();
    if (aside === undefined) return false;
    this.context.logger.error(
      `${where} was damaged: what could be read of it is replayed, and the file is kept as ${aside}.`,
    );
    return true;
  }
}

/** What a person can do with a file that no start replays. */
const LOOK =
  "look at it with 'npx nestjs-durable-cache journal show --values <file>', set again what of it you need";

function named(writes: readonly RescuedWrite[]): string {
  return firstKeys(writes.flatMap((write) => ('key' in write ? [write.key] : []))) || 'none, but a clear';
}
