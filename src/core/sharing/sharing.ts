import type { CacheTimer } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { LogPosition, Writer } from '../storage-adapter.js';
import type { ChangeListener } from './change-listener.js';
import { DeadInstances } from './dead-instances.js';
import { SharedFreshness, type FreshnessOptions } from './freshness.js';
import { LogReader } from './log-reader.js';
import { readNote, type Note } from './note.js';
import { NOTES_ARE_KEPT_MS, OwnLog } from './own-log.js';
import { Poll } from './poll.js';
import type { SharedStorage } from './shared-storage.js';
import { TouchEpisode } from './touch-episode.js';

/** Between two beats, ms: four of them before an instance counts as dead. */
const BEAT_MS = NOTES_ARE_KEPT_MS / 4;
/** Who has not looked for so long, on any clock, may have missed notes that were removed since, ms. */
const OUT_OF_TOUCH_MS = NOTES_ARE_KEPT_MS / 2;

export interface SharingOptions extends FreshnessOptions {
  /** Between two looks at the others' logs, ms. */
  readonly pollMs: number;
}

/**
 * The part that an instance takes in a storage which it shares: it leaves notes of its commits, reads those of the others, and
 * knows how fresh its memory is by that.
 */
export class Sharing {
  readonly freshness: SharedFreshness;
  readonly #listeners = new Map<string, ChangeListener>();
  readonly #reader: LogReader;
  readonly #poll: Poll;
  readonly #dead = new DeadInstances();
  readonly #outOfTouch: TouchEpisode;
  #log: OwnLog;
  #rejoining: Promise<void> | undefined;
  #beat: CacheTimer | undefined;
  /** When logs were read last, on both clocks: a machine that slept has only the wall clock to tell. */
  #readAt = { monotonic: 0, wall: 0 };
  #isOver = false;

  private constructor(
    private readonly storage: SharedStorage,
    /** Makes this instance known, and gives its number. */
    private readonly join: () => Promise<Writer>,
    writer: Writer,
    options: SharingOptions,
    private readonly context: EngineContext,
    uses: () => number,
  ) {
    const { clock } = context;
    this.#log = new OwnLog(writer);
    this.#reader = new LogReader(storage, this.#listeners, () => this.#log.writer);
    this.#outOfTouch = new TouchEpisode(options.staleWhileDownMs, context);
    this.freshness = new SharedFreshness(() => this.#read(), options, clock, {
      needed: () => this.#poll.wake(),
      failed: (error) => this.#outOfTouch.begin(error),
      succeeded: () => this.#outOfTouch.end(),
    });
    this.#poll = new Poll({ everyMs: () => options.pollMs, look: () => this.freshness.look(), uses, clock });
  }

  /** Joins the others. Rejects with what the storage throws. */
  static async begin(
    storage: SharedStorage,
    join: () => Promise<Writer>,
    options: SharingOptions,
    context: EngineContext,
    uses: () => number,
  ): Promise<Sharing> {
    const sharing = new Sharing(storage, join, await join(), options, context, uses);
    await sharing.freshness.confirmedAnew();
    sharing.#poll.wake();
    sharing.#scheduleBeat();
    return sharing;
  }

  /** How many instances work on the storage, as far as was seen. */
  get instances(): number {
    return this.#reader.instances.filter(({ beat }) => beat >= 0).length;
  }

  /** Since when what others do can't be seen, wall-clock ms; `undefined` where it can. */
  get outOfTouchSince(): number | undefined {
    return this.#outOfTouch.since;
  }

  /** Tells `listener` from now on of what others change in a namespace. */
  listen(namespace: string, listener: ChangeListener): void {
    this.#listeners.set(namespace, listener);
  }

  /** The place of the note of a commit that is about to be made. Rejects where the instance can't be made known. */
  async next(): Promise<LogPosition> {
    await this.#rejoining;
    return this.#log.next();
  }

  /** The note of a commit is there. */
  committed(position: LogPosition): void {
    if (position.writer === this.#log.writer) this.#log.committed(position);
  }

  /** A commit has failed because this instance is not known any more: others have taken it for dead, and their logs may be gone. */
  expelled({ writer }: LogPosition): void {
    if (writer !== this.#log.writer || this.#rejoining !== undefined || this.#isOver) return;
    const rejoining = this.#joinAnew().finally(() => {
      this.#rejoining = undefined;
    });
    rejoining.catch(() => undefined);
    this.#rejoining = rejoining;
  }

  /**
   * What notes of this instance say: `null` where there is none and never will be, since the storage has ended what might have
   * written it; `undefined` where nobody can tell any more.
   */
  async receipts(positions: readonly LogPosition[]): Promise<readonly (Note | null | undefined)[]> {
    const log = this.#log;
    const own = positions.filter((position) => log.keeps(position)).map(({ n }) => n);
    if (own.length === 0) return positions.map(() => undefined);
    const first = Math.min(...own);
    const notes = await this.storage.notesSince(
      [{ writer: log.writer, n: first - 1 }],
      Math.max(...own) - first + 1,
    );
    // Asked after them: who is still known now was not removed with its notes before.
    const isKnown = (await this.storage.heads()).some(({ writer }) => writer === log.writer);
    const texts = new Map(notes.map(({ n, text }) => [n, text]));
    return positions.map((position) => {
      const text = position.writer === log.writer ? texts.get(position.n) : undefined;
      if (text !== undefined) return readNote(text);
      return isKnown && log.keeps(position) ? null : undefined;
    });
  }

  /** Writes no more. The others still find its last notes. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#poll.stop();
    this.#beat?.cancel();
    this.freshness.close();
    await this.storage.leave(this.#log.writer);
  }

  async #joinAnew(): Promise<void> {
    this.context.logger.warn(
      'Other instances have taken this one for dead: it may have been suspended. It joins them again, and reads anew what it had in memory.',
    );
    this.#log = new OwnLog(await this.join());
    await this.#timed(() => this.#reader.beginAnew());
  }

  async #read(): Promise<void> {
    await this.#rejoining;
    const isOutOfTouch = this.#isOutOfTouch;
    await this.#timed(() => (isOutOfTouch ? this.#reader.beginAnew() : this.#reader.catchUp()));
  }

  get #isOutOfTouch(): boolean {
    const { clock } = this.context;
    const { monotonic, wall } = this.#readAt;
    return Math.max(clock.monotonic() - monotonic, clock.now() - wall) > OUT_OF_TOUCH_MS;
  }

  /** Reads logs, and notes when that began. */
  async #timed(read: () => Promise<void>): Promise<void> {
    const { clock } = this.context;
    const at = { monotonic: clock.monotonic(), wall: clock.now() };
    await read();
    this.#readAt = at;
  }

  #scheduleBeat(): void {
    if (this.#isOver) return;
    this.#beat = this.context.clock.setTimer(
      BEAT_MS,
      () => {
        this.#giveBeat()
          // The database may be away; what is due is done at the next one.
          .catch(() => undefined)
          .finally(() => this.#scheduleBeat());
      },
      false,
    );
  }

  /** Shows that it lives, reads what the others have written, and removes what nobody needs. */
  async #giveBeat(): Promise<void> {
    const { storage, context } = this;
    const { writer } = this.#log;
    if (!(await storage.beat(writer))) this.expelled({ writer, n: 0 });
    await this.freshness.look();
    const now = context.clock.monotonic();
    const outdated = this.#log.outdated(now);
    if (outdated !== undefined) await storage.trimLog(outdated);
    for (const dead of this.#dead.among(this.#reader.instances, now))
      if (dead !== this.#log.writer) await storage.remove(dead);
  }
}
