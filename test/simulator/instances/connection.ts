import { EVERY_KEY, type KeyRange } from '../../../src/core/keys/key-range.js';
import type {
  Instance,
  LogHead,
  LogNote,
  Rival,
  SharedStorage,
} from '../../../src/core/sharing/shared-storage.js';
import {
  CACHE_STORAGE,
  type Atom,
  type AtomOutcome,
  type Commit,
  type LoadedPage,
  type LoadPage,
  type LogPosition,
  type StampedEntry,
  type StorageFailure,
  type Writer,
} from '../../../src/core/storage-adapter.js';
import { ChaosError } from '../../support/chaos-storage.js';
import type { Random } from '../random.js';
import type { Scheduler } from '../scheduler.js';
import type { ProcessClock } from './process-clock.js';
import type { SharedDatabase } from './shared-database.js';
import type { Weather } from './shared-plan.js';
import type { SharedTally } from './shared-tally.js';

/** What all processes call the storage that they share. */
export const PLACE = 'simulation';

/** Rows on one page: so few that there are several. */
const MOST_ROWS = 2;
/** The longest that an answer takes in slow weather, ms. */
const MOST_SLOW_MS = 600;
/** The database ends a transaction of who does not go on with it. */
class Ended extends ChaosError {
  constructor() {
    super('transient', 'ENDED');
  }
}

type Kind = 'read' | 'log' | 'write';

export interface ConnectionParts {
  /** The process that it belongs to. */
  readonly name: string;
  readonly database: SharedDatabase;
  readonly scheduler: Scheduler;
  readonly clock: ProcessClock;
  readonly random: Random;
  readonly tally: SharedTally;
  readonly tellsOfChanges: boolean;
}

/**
 * The way of one process to the database. A call takes effect at one step, whatever the process does then, and is answered at
 * a later one at which the process runs: it may be killed or suspended before, between and after.
 */
export class Connection implements SharedStorage {
  readonly [CACHE_STORAGE] = 2;
  readonly keepsOthersOut = false;
  readonly hasChanged?: () => Promise<boolean>;
  /** Its number, once it has joined. */
  writer: Writer | undefined;
  /** Whether its next note is in a format that nobody knows. */
  writesForeign = false;
  #weather: Weather = 'fair';
  /** What waits for the weather to turn. */
  #hanging: (() => void)[] = [];
  /** How much others had changed when it was asked last. */
  #seen: number | undefined;
  #own = 0;

  constructor(private readonly parts: ConnectionParts) {
    if (parts.tellsOfChanges) this.hasChanged = () => this.#call('log', async () => this.#changedSince());
  }

  get weather(): Weather {
    return this.#weather;
  }

  turn(weather: Weather): void {
    this.#weather = weather;
    const hanging = this.#hanging;
    this.#hanging = [];
    for (const goOn of hanging) goOn();
  }

  async open(): Promise<void> {
    await this.parts.clock.turn();
  }

  async close(): Promise<void> {
    await this.parts.clock.turn();
  }

  count(namespace: string, now: number, range?: KeyRange): Promise<number> {
    return this.#call('read', () => this.#rows.count(namespace, now, range));
  }

  load(namespace: string, page: LoadPage): Promise<LoadedPage> {
    return this.#call('read', () =>
      this.#rows.load(namespace, { ...page, limit: Math.min(page.limit, MOST_ROWS) }),
    );
  }

  read(namespace: string, keys: readonly string[]): Promise<readonly StampedEntry[]> {
    return this.#call('read', () => this.#rows.read(namespace, keys));
  }

  write(atoms: readonly Atom[], commit: Commit): Promise<readonly AtomOutcome[]> {
    return this.#commit(commit, async () => {
      const outcomes = await this.#rows.write(atoms, commit);
      this.parts.database.written(this.parts.name, atoms, outcomes);
      return outcomes;
    });
  }

  modify(
    namespace: string,
    keys: readonly string[],
    decide: (rows: readonly StampedEntry[]) => readonly Atom[],
    commit: Commit,
  ): Promise<readonly AtomOutcome[]> {
    return this.#commit(commit, async () => {
      // It is for the process to decide, which holds the rows meanwhile.
      if (!this.parts.clock.isRunning) throw new Ended();
      let atoms: readonly Atom[] = [];
      const decided = (rows: readonly StampedEntry[]): readonly Atom[] => {
        atoms = decide(rows);
        return atoms;
      };
      const outcomes = await this.#rows.modify(namespace, keys, decided, commit);
      this.parts.database.written(this.parts.name, atoms, outcomes);
      return outcomes;
    });
  }

  clear(namespace: string, commit: Commit): Promise<void> {
    return this.#commit(commit, async () => {
      await this.#rows.clear(namespace, commit);
      this.parts.database.cleared(this.parts.name, namespace, EVERY_KEY);
    });
  }

  clearRange(namespace: string, range: KeyRange, commit: Commit): Promise<number> {
    return this.#commit(commit, async () => {
      const removed = await this.#rows.clearRange(namespace, range, commit);
      this.parts.database.cleared(this.parts.name, namespace, range);
      return removed;
    });
  }

  purgeExpired(namespace: string, now: number): Promise<number> {
    return this.#change(() => this.#rows.purgeExpired(namespace, now));
  }

  join(instance: Instance): Promise<readonly Rival[]> {
    return this.#change(() => {
      this.writer = instance.writer;
      return this.#rows.join(instance);
    });
  }

  beat(writer: Writer): Promise<boolean> {
    return this.#change(() => this.#rows.beat(writer));
  }

  leave(writer: Writer): Promise<void> {
    return this.#change(() => this.#rows.leave(writer));
  }

  remove(writer: Writer): Promise<boolean> {
    return this.#change(() => {
      this.parts.tally.removed += 1;
      return this.#rows.remove(writer);
    });
  }

  heads(): Promise<readonly LogHead[]> {
    return this.#call('log', () => this.#rows.heads());
  }

  notesSince(positions: readonly LogPosition[], limit: number): Promise<readonly LogNote[]> {
    return this.#call('log', async () => {
      const notes = await this.#rows.notesSince(positions, Math.min(limit, 1000));
      return notes.map((note) => this.asRead(note));
    });
  }

  trimLog(upTo: LogPosition): Promise<void> {
    return this.#change(() => {
      this.parts.tally.trims += 1;
      return this.#rows.trimLog(upTo);
    });
  }

  classify(error: unknown): StorageFailure {
    return error instanceof ChaosError ? error.kind : 'transient';
  }

  isUndone(error: unknown): boolean {
    return error instanceof Ended || (error as { readonly code?: string }).code === 'UNKNOWN_WRITER';
  }

  describe(): string {
    return PLACE;
  }

  /** A note as this version of the package finds it. */
  asRead(note: LogNote): LogNote {
    if (!this.parts.database.isForeign(note)) return note;
    this.parts.tally.foreignNotes += 1;
    return { ...note, text: '{"v":2,"of":"tomorrow"}' };
  }

  get #rows(): SharedDatabase['rows'] {
    return this.parts.database.rows;
  }

  #changedSince(): boolean {
    const others = this.parts.database.changes - this.#own;
    const hasChanged = others !== this.#seen;
    this.#seen = others;
    return hasChanged;
  }

  #commit<T>(commit: Commit, effect: () => Promise<T>): Promise<T> {
    const { logged } = commit;
    if (logged !== undefined && this.writesForeign) {
      this.writesForeign = false;
      this.parts.database.writeForeign(logged);
    }
    return this.#change(effect);
  }

  /** Whatever writes to the database. */
  #change<T>(effect: () => Promise<T>): Promise<T> {
    return this.#call('write', async () => {
      const done = await effect();
      this.parts.database.changes += 1;
      this.#own += 1;
      return done;
    });
  }

  async #call<T>(kind: Kind, effect: () => Promise<T>): Promise<T> {
    const { scheduler, clock, random, tally } = this.parts;
    await scheduler.someTime();
    if (this.#weather === 'hangs') await this.#hang();
    let failure: Error | undefined = this.#failureBefore(kind);
    let result: T | undefined;
    if (failure === undefined) {
      try {
        result = await effect();
      } catch (error) {
        failure = error as Error;
      }
      failure ??= this.#failureAfter(kind);
    }
    if (this.#weather === 'slow') await this.#delay(random.below(MOST_SLOW_MS));
    await clock.turn();
    if (failure === undefined) return result as T;
    tally.failures += 1;
    throw failure;
  }

  /** Until the weather turns; it may have been lost on its way, or not. */
  async #hang(): Promise<void> {
    this.parts.tally.hangs += 1;
    await new Promise<void>((resolve) => {
      this.#hanging.push(resolve);
    });
    if (this.parts.random.below(2) === 0) return;
    await this.parts.clock.turn();
    throw new ChaosError('transient');
  }

  #failureBefore(kind: Kind): ChaosError | undefined {
    const fails =
      this.#weather === 'down' ||
      (this.#weather === 'blind' && kind === 'log') ||
      (this.#weather === 'flaky' && this.parts.random.below(4) === 0);
    return fails ? new ChaosError('transient') : undefined;
  }

  #failureAfter(kind: Kind): ChaosError | undefined {
    const lies = this.#weather === 'lies' && kind === 'write';
    if (!lies && !(this.#weather === 'flaky' && this.parts.random.below(4) === 0)) return undefined;
    if (kind === 'write') this.parts.tally.lies += 1;
    return new ChaosError('transient');
  }

  #delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.parts.scheduler.setTimer(ms, resolve);
    });
  }
}
