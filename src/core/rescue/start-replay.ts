import { CacheError, isCacheError } from '../cache-error.js';
import type { EngineContext } from '../context.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import { repeat } from '../writing/retry.js';
import type { StorageWriter } from '../writing/storage-writer.js';
import type { RescueJournal } from './rescue-journal.js';
import { RescueReplay } from './rescue-replay.js';

/** How long a start waits for the database to take what the journal holds, ms. */
const TIMEOUT_MS = 10_000;
const MOST_BACKOFF_MS = 250;

/**
 * Replays a journal, and tries again for a while: the lock that kept the stop from writing may still be held. Rejects with
 * `STORAGE_OPEN_FAILED` where the database does not take it, or with what is wrong with the journal.
 */
export async function replayAtStart(
  journal: RescueJournal,
  storage: CacheStorageAdapter,
  writer: StorageWriter,
  context: EngineContext,
): Promise<void> {
  const deadline = context.clock.monotonic() + TIMEOUT_MS;
  const replay = new RescueReplay(storage, writer, journal, context);
  let cause: unknown;
  const isReplayed = await repeat(context, MOST_BACKOFF_MS, deadline, async () => {
    try {
      await replay.run();
      return true;
    } catch (error) {
      cause = error;
      // Of the journal itself, which says what is wrong with it.
      if (isCacheError(error)) throw error;
      if (writer.classify(error) === 'transient') return false;
      throw notReplayed(journal, error);
    }
  });
  if (!isReplayed) throw notReplayed(journal, cause);
}

function notReplayed(journal: RescueJournal, cause: unknown): CacheError {
  return new CacheError(
    'STORAGE_OPEN_FAILED',
    `The cache could not replay the files of its rescue journal, ${journal.describe()}.…, which hold writes that an earlier ` +
      'stop could not make. Start again when the database can be written to; to start without them, move the files away.',
    { cause },
  );
}
