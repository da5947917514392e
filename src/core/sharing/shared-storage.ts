import type { CacheStorageAdapter, LogPosition, Writer } from '../storage-adapter.js';

/** How an instance works on a storage: alone, or beside others. */
export type InstanceMode = 'one' | 'many';

/** A process that works on a storage. */
export interface Instance {
  readonly writer: Writer;
  readonly mode: InstanceMode;
  /** What people call it: host and process. */
  readonly about: string;
}

/** An instance that keeps another one from joining. */
export interface Rival extends Instance {
  /** It counts up while the instance lives: who sees it stand still for long enough may take it for dead. */
  readonly beat: number;
}

/** How far the log of an instance reaches. */
export interface LogHead extends LogPosition {
  /** Its beat; -1 when it has stopped and will write no more. */
  readonly beat: number;
}

/** What a commit of an instance says of itself. */
export interface LogNote extends LogPosition {
  readonly text: string;
}

/**
 * A storage that several processes share: it keeps a log for each of them, in which every commit leaves a note of what it changes,
 * in its own transaction ({@link Commit.logged}). A commit of an instance that has not joined, or was removed, fails as a whole, with
 * the code {@link UNKNOWN_WRITER}.
 *
 * The notes of one writer are committed in the order of `n`, since it has one write under way at a time; some `n` may never be.
 * A note names the rows that were written: `noteOfRows` and `noteOfRemoval` make its text. A commit that writes nothing leaves none;
 * a removal is a write, be there anything to remove or not.
 */
export interface SharedStorage extends CacheStorageAdapter {
  /** How many instances work on it unless the application says so. Default `'many'`. */
  readonly defaultInstances?: InstanceMode | undefined;
  /**
   * Makes an instance known, unless others are in its way: one that is there alone (`'one'`) tolerates nobody, and is tolerated by
   * nobody. Gives those that are. Instances that have stopped, or are gone for sure, are in nobody's way.
   */
  join(instance: Instance): Promise<readonly Rival[]>;
  /** Counts the instance's beat up. Gives whether it is still known, and has not left: one that is not writes no more. */
  beat(writer: Writer): Promise<boolean>;
  /** The instance has written its last: it stays in the log for the others to see its notes. */
  leave(writer: Writer): Promise<void>;
  /**
   * Removes an instance with its log: a commit of it that is under way fails or is over when this resolves. Gives whether it is
   * gone; `false` where it is busy now.
   */
  remove(writer: Writer): Promise<boolean>;
  /** How far the log of each instance reaches; `n` is 0 where there is no note. */
  heads(): Promise<readonly LogHead[]>;
  /** Notes behind positions, in the order of `n` for each writer, at most `limit` of each. */
  notesSince(positions: readonly LogPosition[], limit: number): Promise<readonly LogNote[]>;
  /** Removes the notes of a writer up to `n`. */
  trimLog(upTo: LogPosition): Promise<void>;
  /**
   * Whether others may have committed since it was called last: a cheap question beside {@link heads}, where there is one.
   */
  hasChanged?(): Promise<boolean>;
  /** False where the storage has these methods, and this very database can't be shared. Default true. */
  readonly canBeShared?: boolean;
}

/**
 * The `code` of the error with which a commit of an instance fails that has not joined, or was removed. Nothing of it has been
 * committed (`isUndone`), the data is as good as before (`classify`: transient), and no later one of that instance will be.
 */
export const UNKNOWN_WRITER = 'UNKNOWN_WRITER';

const METHODS = ['join', 'beat', 'leave', 'remove', 'heads', 'notesSince', 'trimLog'] as const;

/** Whether several processes can share a storage. */
export function isSharedStorage(storage: CacheStorageAdapter): storage is SharedStorage {
  const members = storage as Partial<Record<(typeof METHODS)[number] | 'canBeShared', unknown>>;
  return METHODS.every((name) => typeof members[name] === 'function') && members.canBeShared !== false;
}
