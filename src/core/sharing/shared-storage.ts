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
  /**
   * It counts up while the instance lives: who sees it stand still for long enough may take it for dead. `undefined` where the
   * system itself ends the claim of a process that is gone.
   */
  readonly beat: number | undefined;
}

/** What happens to an instance that has joined. */
export interface ClaimEvents {
  /**
   * What shows the others that it lives has broken: they may take it for gone from now on. It asks by {@link ClaimingStorage.beat},
   * which mends that, before it writes again.
   */
  disturbed(): void;
  /** A connection was lost: after a fail-over, the database that answers next may lack what this one had. */
  disconnected?(): void;
  /**
   * The last note of the instance that is surely committed, and stays in its log; `undefined` where there is none. A storage on a server
   * looks for it by each connection before it commits by that for the first time: where it is missing, the commit fails with the code
   * {@link WENT_BACK}.
   */
  lastNote?(): LogPosition | undefined;
  /** Somebody who has not joined has committed something: any row may be another one now. Called before the next commit. */
  overwritten(): void;
}

/** A storage where each process is seen by the others, and keeps out those that it would not work beside. */
export interface ClaimingStorage extends CacheStorageAdapter {
  /** Whether others are kept out at all: of a storage that one process alone can reach, nobody is. Known once it is open. */
  readonly keepsOthersOut: boolean;
  /**
   * Makes an instance known, unless others are in its way: one that is there alone (`'one'`) tolerates nobody, and is tolerated by
   * nobody. Gives those that are. Instances that have stopped, or are gone for sure, are in nobody's way. `events` is told what
   * happens to it, until the storage is closed.
   */
  join(instance: Instance, events?: ClaimEvents): Promise<readonly Rival[]>;
  /** Counts the instance's beat up. Gives whether it is still known: one that is not writes no more. */
  beat(writer: Writer): Promise<boolean>;
  /** The instance has written its last: it stays in the log for the others to see its notes. */
  leave(writer: Writer): Promise<void>;
  /**
   * Removes an instance with its log, with `beat` only where its beat is still that: a commit of it that is under way fails or is
   * over when this resolves. Gives whether it is gone; `false` where it is busy now, or lives.
   */
  remove(writer: Writer, beat?: number): Promise<boolean>;
}

/** How far the log of an instance reaches. */
export interface LogHead extends LogPosition {
  /** Its beat; -1 when it has stopped and will write no more. */
  readonly beat: number;
}

/** Whether an instance has stopped, and will write no more. */
export function hasStopped({ beat }: Pick<LogHead, 'beat'>): boolean {
  return beat < 0;
}

/** An instance and how far its log reaches. */
export interface LoggedInstance extends Instance, LogHead {}

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
export interface SharedStorage extends ClaimingStorage {
  /** How many instances work on it unless the application says so. Default `'many'`. */
  readonly defaultInstances?: InstanceMode | undefined;
  /** How far the log of each instance reaches; `n` is 0 where there is no note. */
  heads(): Promise<readonly LogHead[]>;
  /** The same with what people call each instance, for tools that show them. */
  instances?(): Promise<readonly LoggedInstance[]>;
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

/**
 * The `code` of the error with which a commit fails whose database lacks what the instance has committed before, as after a fail-over to
 * a replica that lagged behind. The same holds for it as for {@link UNKNOWN_WRITER}.
 */
export const WENT_BACK = 'DATABASE_WENT_BACK';

const CLAIMING = ['join', 'beat', 'leave', 'remove'];
const SHARED = [...CLAIMING, 'heads', 'notesSince', 'trimLog'];

/** Whether a storage sees to who works on it. */
export function isClaimingStorage(storage: CacheStorageAdapter): storage is ClaimingStorage {
  return hasAll(storage, CLAIMING);
}

/** Whether several processes can share a storage. */
export function isSharedStorage(
  storage: CacheStorageAdapter & { readonly canBeShared?: boolean },
): storage is SharedStorage {
  return hasAll(storage, SHARED) && storage.canBeShared !== false;
}

function hasAll(storage: CacheStorageAdapter, methods: readonly string[]): boolean {
  const members: object = storage;
  return methods.every((name) => typeof (members as Readonly<Record<string, unknown>>)[name] === 'function');
}
