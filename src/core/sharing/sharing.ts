import type { CacheTimer } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { BackplaneStats } from '../definition/backplane-stats.js';
import type { LogPosition, Writer } from '../storage-adapter.js';
import type { Backplane } from './backplane.js';
import type { ChangeListener } from './change-listener.js';
import { channelNameOf } from './channel-name.js';
import { DeadInstances } from './dead-instances.js';
import { SharedFreshness, type FreshnessOptions } from './freshness.js';
import { LogReader } from './log-reader.js';
import { carriesMessages } from './messaging-storage.js';
import { readNote, type Note } from './note.js';
import { BEAT_MS, NOTES_ARE_KEPT_MS, OwnLog } from './own-log.js';
import { Poll } from './poll.js';
import type { SharedStorage } from './shared-storage.js';
import { TouchEpisode } from './touch-episode.js';
import { Wire } from './wire.js';

/** Who has not looked for so long, on any clock, may have missed notes that were removed since, ms. */
const OUT_OF_TOUCH_MS = NOTES_ARE_KEPT_MS / 2;

/** Between two looks at the others' logs, ms: where a message tells of what they change, where none does, and where a look costs next to nothing. */
const POLL_MS = { told: 500, untold: 100, cheap: 20 };

export interface SharingOptions extends FreshnessOptions {
  /** Between two looks at the others' logs, ms; `undefined` for what fits the storage. */
  readonly pollMs: number | undefined;
  /** What carries messages between the instances; `undefined` for none. */
  readonly backplane: Backplane | undefined;
}

/** How an instance comes to be one of them. */
export interface SharingParts {
  readonly storage: SharedStorage;
  /** Makes this instance known, and gives its number. */
  readonly join: () => Promise<Writer>;
  readonly context: EngineContext;
  /** How often shared namespaces were used so far. */
  readonly uses: () => number;
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
  #wire: Wire | undefined;
  #log: OwnLog;
  #rejoining: Promise<void> | undefined;
  #beat: CacheTimer | undefined;
  /** When logs were read last, on both clocks: a machine that slept has only the wall clock to tell. */
  #readAt = { monotonic: 0, wall: 0 };
  #isOver = false;

  private constructor(
    private readonly parts: SharingParts,
    private readonly options: SharingOptions,
    writer: Writer,
  ) {
    const { storage, context, uses } = parts;
    const { clock } = context;
    this.#log = new OwnLog(writer);
    this.#reader = new LogReader(storage, this.#listeners, () => this.#log.writer);
    this.#outOfTouch = new TouchEpisode(options.staleWhileDownMs, context);
    this.freshness = new SharedFreshness(() => this.#read(), options, clock, {
      needed: () => this.#poll.wake(),
      failed: (error) => this.#outOfTouch.begin(error),
      succeeded: () => this.#outOfTouch.end(),
    });
    this.#poll = new Poll({ everyMs: () => this.#pollMs, look: () => this.#look(), uses, clock });
  }

  /** Joins the others. Rejects with what the storage throws, or a backplane that can't serve this cache. */
  static async begin(parts: SharingParts, options: SharingOptions): Promise<Sharing> {
    const sharing = new Sharing(parts, options, await parts.join());
    await sharing.#openWire();
    // What is committed from now on is heard, or found: first of all where the logs are now.
    await sharing.freshness.confirmedAnew();
    sharing.#poll.wake();
    sharing.#scheduleBeat();
    return sharing;
  }

  /** How many instances work on the storage, as far as was seen. */
  get instances(): number {
    return this.#reader.instances.filter(({ beat }) => beat >= 0).length;
  }

  /** The figures of the messages between them; `undefined` where there are none. */
  get backplaneStats(): BackplaneStats | undefined {
    return this.#wire?.stats();
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
  committed(position: LogPosition, text: () => string): void {
    if (position.writer !== this.#log.writer) return;
    this.#log.committed(position);
    if (this.#wire?.isUp === true) this.#wire.announce(position, text());
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
    const notes = await this.parts.storage.notesSince(
      [{ writer: log.writer, n: first - 1 }],
      Math.max(...own) - first + 1,
    );
    // Asked after them: who is still known now was not removed with its notes before.
    const isKnown = (await this.parts.storage.heads()).some(({ writer }) => writer === log.writer);
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
    await this.#wire?.close().catch(() => undefined);
    await this.parts.storage.leave(this.#log.writer);
  }

  async #openWire(): Promise<void> {
    const { backplane } = this.options;
    if (backplane === undefined) return;
    const { storage, context } = this.parts;
    this.#wire = new Wire(
      {
        backplane,
        name: channelNameOf(storage.identity ?? storage.describe()),
        database: carriesMessages(storage) ? storage.connectMessages : undefined,
        own: () => this.#log.writer,
        onNote: (note) => {
          if (this.#reader.received(note)) void this.freshness.look();
        },
        onHint: () => void this.freshness.look(),
      },
      context,
    );
    await this.#wire.open();
  }

  get #pollMs(): number {
    const { pollMs } = this.options;
    if (pollMs !== undefined) return pollMs;
    if (this.parts.storage.hasChanged !== undefined) return POLL_MS.cheap;
    return this.#wire?.isUp === true ? POLL_MS.told : POLL_MS.untold;
  }

  #look(): Promise<unknown> {
    this.#wire?.check();
    return this.freshness.look();
  }

  async #joinAnew(): Promise<void> {
    this.parts.context.logger.warn(
      'Other instances have taken this one for dead: it may have been suspended. It joins them again, and reads anew what it had in memory.',
    );
    this.#log = new OwnLog(await this.parts.join());
    await this.#timed(() => this.#reader.beginAnew());
  }

  async #read(): Promise<void> {
    await this.#rejoining;
    await this.#timed(async () => {
      if (!this.#isOutOfTouch) await this.#reader.catchUp();
      // Asked again: notes may have been removed before they were read, where this process stood still in between.
      if (this.#isOutOfTouch) await this.#reader.beginAnew();
    });
  }

  get #isOutOfTouch(): boolean {
    const { clock } = this.parts.context;
    const { monotonic, wall } = this.#readAt;
    return Math.max(clock.monotonic() - monotonic, clock.now() - wall) > OUT_OF_TOUCH_MS;
  }

  /** Reads logs, and notes when that began. */
  async #timed(read: () => Promise<void>): Promise<void> {
    const { clock } = this.parts.context;
    const at = { monotonic: clock.monotonic(), wall: clock.now() };
    await read();
    this.#readAt = at;
  }

  #scheduleBeat(): void {
    if (this.#isOver) return;
    this.#beat = this.parts.context.clock.setTimer(
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
    const { storage, context } = this.parts;
    const { writer } = this.#log;
    try {
      if (!(await storage.beat(writer))) this.expelled({ writer, n: 0 });
    } finally {
      // Also where the database does not take the beat: it is known then since when it is away.
      await this.freshness.look();
    }
    const outdated = this.#log.outdated(context.clock.monotonic());
    if (outdated !== undefined) await storage.trimLog(outdated);
    // Their beats are as old as that look, however long ago it was.
    for (const dead of this.#dead.among(this.#reader.instances, this.freshness.confirmedAt))
      if (dead !== this.#log.writer) await storage.remove(dead);
  }
}
