import { postgresBackplane } from '../backplane/postgres/postgres-backplane.js';
import { CacheError, isCacheError } from '../core/cache-error.js';
import { systemClock } from '../core/clock.js';
import type { EngineContext } from '../core/context.js';
import { resolveEngineOptions } from '../core/engine/engine-options.js';
import { keysFrom } from '../core/keys/key-range.js';
import { joinBeside } from '../core/sharing/claim-wait.js';
import { carriesMessages } from '../core/sharing/messaging-storage.js';
import { isSharedStorage } from '../core/sharing/shared-storage.js';
import { Sharing } from '../core/sharing/sharing.js';
import type { Atom, Commit } from '../core/storage-adapter.js';
import { RangeRemoval } from '../core/writing/range-removal.js';
import { repeat } from '../core/writing/retry.js';
import { StorageHealth } from '../core/writing/storage-health.js';
import { StorageWriter } from '../core/writing/storage-writer.js';
import type { TimedWrite } from '../storage/listed-storage.js';
import type { TypeOrmStorage } from '../storage/typeorm-storage.js';
import { refusalOf } from './in-the-way.js';
import { printable } from './printable.js';
import type { ProgressStream } from './progress.js';
import type { StorageLocation } from './storage-location.js';

/** How long it waits for an application that has the database to itself, ms: it may be about to end. */
const WAIT_MS = 1000;
/** How long a write that the state of the database keeps from happening is tried again, ms. */
const TRIED_FOR_MS = 10_000;
const MOST_BACKOFF_MS = 500;
const OPTIONS = resolveEngineOptions({ instances: 'many' });

/** What became of rows. */
export interface WrittenRows {
  /** Rows that others were in the place of. */
  readonly conflicts: readonly TimedWrite[];
  readonly refused: readonly { readonly row: TimedWrite; readonly error: unknown }[];
}

/**
 * Writes as one of the instances that share a database: each commit leaves its stamp in the rows and its note in the log, so
 * that running applications see it as they see each other's. Where an application has the database to itself, nothing is written.
 */
export class InstanceWriter {
  private constructor(
    private readonly storage: TypeOrmStorage,
    private readonly writer: StorageWriter,
    private readonly context: EngineContext,
  ) {}

  /**
   * Runs `task` as an instance, with the table made where it is missing. Rejects with `INSTANCE_RUNNING` beside an application that
   * is there alone, with `UNSUPPORTED_STORAGE` where the database knows no instances. `command` is what is asked for.
   */
  static async run<T>(
    location: StorageLocation,
    command: string,
    stderr: ProgressStream,
    task: (writer: InstanceWriter) => Promise<T>,
  ): Promise<T> {
    const storage = location.forWriting();
    await storage.open();
    try {
      const context = contextOf(stderr);
      const writer = writerOn(storage, context);
      const sharing = await joined(storage, context, command);
      writer.logTo(sharing);
      try {
        return await task(new InstanceWriter(storage, writer, context));
      } finally {
        await sharing.close();
      }
    } finally {
      await storage.close();
    }
  }

  /** Writes rows, each on its own, in one transaction. Rejects with `WRITE_FAILED` where the database does not take any. */
  async write(rows: readonly TimedWrite[]): Promise<WrittenRows> {
    let left: readonly TimedWrite[] = rows;
    const conflicts: TimedWrite[] = [];
    const refused: WrittenRows['refused'][number][] = [];
    let reason: unknown;
    await this.#repeated(
      async () => {
        const outcome = await this.writer.write(
          left.map((row) => [row]),
          {
            committed: () => undefined,
            fateOfRefused: '',
            // Whoever asked for it hears of each.
            isKnownRefusal: () => true,
            // However many it refuses, the next one may be good.
            refusalsWithoutSuccess: Infinity,
          },
        );
        conflicts.push(...outcome.conflicts.flat());
        for (const { items, error } of outcome.refused) refused.push(...items.map((row) => ({ row, error })));
        left = outcome.deferred;
        reason = outcome.error;
        return left.length === 0;
      },
      () => reason,
    );
    return { conflicts, refused };
  }

  /**
   * Removes keys of a namespace, in one transaction. Gives those that were there. Keys without a row are named in the note, too: an
   * instance may be about to store what it has loaded for one before.
   */
  async remove(namespace: string, keys: readonly string[]): Promise<readonly string[]> {
    // Kept over the attempts: after one that ended nobody knows how, its rows are gone.
    const removed = new Set<string>();
    await this.#attempted(() =>
      this.writer.modify(
        namespace,
        keys,
        (rows) => {
          for (const { key } of rows) removed.add(key);
          return keys.map((key) => [{ namespace, key, value: undefined, expiresAt: null }]);
        },
        { committed: () => undefined },
      ),
    );
    return [...removed];
  }

  /**
   * Removes the keys that begin with `prefix`, in one transaction. Gives how many of them had not expired; `undefined` where nobody
   * has counted.
   */
  async removePrefix(namespace: string, prefix: string): Promise<number | undefined> {
    // Kept over the attempts: one that has happened after all is not made again.
    const removal = new RangeRemoval(keysFrom(prefix), 'give up');
    let removed: number | undefined;
    await this.#attempted(async () => {
      removed = await this.writer.clear(namespace, removal);
    });
    return removed;
  }

  /** The storage, to read from. */
  get rows(): TypeOrmStorage {
    return this.storage;
  }

  /** Repeats what fails for the state of the database. */
  async #attempted(task: () => Promise<unknown>): Promise<void> {
    let reason: unknown;
    await this.#repeated(
      async () => {
        try {
          await task();
          return true;
        } catch (error) {
          reason = error;
          if (isCacheError(error) || this.writer.classify(error) === 'permanent') throw error;
          return false;
        }
      },
      () => reason,
    );
  }

  async #repeated(attempt: () => Promise<boolean>, reason: () => unknown): Promise<void> {
    const deadline = this.context.clock.monotonic() + TRIED_FOR_MS;
    if (await repeat(this.context, MOST_BACKOFF_MS, deadline, attempt)) return;
    const cause = reason();
    if (isCacheError(cause)) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CacheError(
      'WRITE_FAILED',
      `The database (${this.storage.describe()}) could not be written to: ${message}. What was written before stays: put right what it ` +
        'says, and run the command again to go on.',
      { cause },
    );
  }
}

/** Rows keep the times at which they were written once. */
function writerOn(storage: TypeOrmStorage, context: EngineContext): StorageWriter {
  const timed = {
    write: (atoms: readonly Atom[], commit: Commit) =>
      // Only the rows of `write` above come here.
      storage.writeTimed(atoms as readonly Atom<TimedWrite>[], commit),
    modify: storage.modify.bind(storage),
    clear: storage.clear.bind(storage),
    clearRange: storage.clearRange.bind(storage),
    purgeExpired: storage.purgeExpired.bind(storage),
    classify: storage.classify.bind(storage),
    isUndone: storage.isUndone.bind(storage),
  };
  return new StorageWriter(timed, new StorageHealth(context, TRIED_FOR_MS), context);
}

async function joined(storage: TypeOrmStorage, context: EngineContext, command: string): Promise<Sharing> {
  const place = storage.describe();
  if (!isSharedStorage(storage)) {
    throw new CacheError(
      'UNSUPPORTED_STORAGE',
      `${command} can't write to ${place}: nobody can tell whether an application uses it. It writes to SQLite, PostgreSQL, ` +
        'MySQL and MariaDB; change the rows through the application.',
    );
  }
  return Sharing.begin(
    {
      storage,
      // The refusal says what is in the way: a line before that is of no use.
      join: (events) =>
        joinBeside(storage, place, context, events, true, { waitMs: WAIT_MS, refusal: refusalOf(command) }),
      context,
      uses: () => 0,
    },
    { ...OPTIONS, backplane: carriesMessages(storage) ? postgresBackplane() : undefined },
  );
}

/** What an instance has to say goes where warnings go. That it works again, and that others have come, is nothing to say here. */
function contextOf(stderr: ProgressStream): EngineContext {
  const say = (line: string): unknown => stderr.write(`${printable(line)}\n`);
  const logger = { log: () => undefined, warn: say, error: say, fatal: say };
  return { clock: systemClock, logger, random: Math.random };
}
