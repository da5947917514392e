import type { EngineContext } from '../context.js';
import type { BackplaneStats } from '../definition/backplane-stats.js';
import type { LogPosition, Writer } from '../storage-adapter.js';
import type { CacheError } from '../cache-error.js';
import type { Backplane } from './backplane.js';
import type { ChangeListener } from './change-listener.js';
import { channelNameOf } from './channel-name.js';
import { SharedFreshness, type FreshnessOptions } from './freshness.js';
import { sayGoodbye } from './goodbye.js';
import { Heartbeat } from './heartbeat.js';
import { LogReader } from './log-reader.js';
import { Membership } from './membership.js';
import { carriesMessages } from './messaging-storage.js';
import { readNote, type Note } from './note.js';
import { NOTES_ARE_KEPT_MS } from './own-log.js';
import { Poll } from './poll.js';
import type { ClaimEvents, LogHead, SharedStorage } from './shared-storage.js';
import { Sightings, type Sighting } from './sightings.js';
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
  /** Makes this instance known, and gives its number. `isAgain`: it was said already what is in the way. */
  readonly join: (events: ClaimEvents, isAgain: boolean) => Promise<Writer>;
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
  readonly #heartbeat: Heartbeat;
  readonly #outOfTouch: TouchEpisode;
  readonly #sightings: Sightings;
  #wire: Wire | undefined;
  readonly #membership: Membership;
  /** Whether there are others to tell of commits, as far as is known: who is alone sends no messages. */
  #hasCompany = false;
  /** How often others were heard. */
  #heard = 0;
  /** Whether it has joined again since it has begun to read the logs. */
  #hasRejoined = false;
  /** When logs were read last, on both clocks: a machine that slept has only the wall clock to tell. */
  #readAt = { monotonic: 0, wall: 0 };

  private constructor(
    private readonly parts: SharingParts,
    private readonly options: SharingOptions,
  ) {
    const { storage, context, uses, join } = parts;
    const { clock } = context;
    const events: ClaimEvents = {
      disturbed: () => this.#heartbeat.disturbed(),
      disconnected: () => this.#membership.doubt(),
      lastNote: () => this.#membership.lastNote,
      overwritten: () => undefined,
    };
    this.#membership = new Membership({
      join: (isAgain) => join(events, isAgain),
      look: () => this.freshness.confirmedAnew(),
      left: () => this.#reader.forgetAll(),
      rejoined: () => {
        this.#hasRejoined = true;
        this.#wire?.greet();
        void this.freshness.look();
      },
      context,
    });
    this.#reader = new LogReader(storage, this.#listeners, () => this.#membership.log.writer);
    this.#sightings = new Sightings(clock);
    this.#outOfTouch = new TouchEpisode(options.staleWhileDownMs, context);
    this.freshness = new SharedFreshness(() => this.#read(), options, clock, {
      needed: () => this.#poll.wake(),
      failed: (error) => {
        this.#membership.doubt();
        this.#outOfTouch.begin(error);
      },
      succeeded: () => this.#outOfTouch.end(),
      unanswered: (forMs) => this.#outOfTouch.begin(new Error('The database does not answer.'), forMs),
    });
    this.#poll = new Poll({ everyMs: () => this.#pollMs, look: () => this.#look(), uses, clock });
    this.#heartbeat = new Heartbeat({
      storage,
      membership: this.#membership,
      reader: this.#reader,
      freshness: this.freshness,
      clock,
    });
  }

  /** Joins the others. Rejects with what the storage throws, or a backplane that can't serve this cache. */
  static async begin(parts: SharingParts, options: SharingOptions): Promise<Sharing> {
    const sharing = new Sharing(parts, options);
    await sharing.#membership.begin();
    try {
      await sharing.#openWire();
      // What is committed from now on is heard, or found: first of all where the logs are now.
      await sharing.freshness.confirmedAnew();
    } catch (error) {
      await sharing.close().catch(() => undefined);
      throw error;
    }
    sharing.#poll.wake();
    sharing.#heartbeat.begin();
    return sharing;
  }

  /** How many instances work on the storage, as far as was seen. */
  get instances(): number {
    return this.#reader.instances.filter(({ beat }) => beat >= 0).length;
  }

  /** The instances that work on the storage, each with when it was seen to do something last. */
  get sightings(): readonly Sighting[] {
    return this.#sightings.all;
  }

  /** Notes what was read of the instances beside. */
  saw(heads: readonly LogHead[]): void {
    this.#sightings.note(heads);
  }

  /** When the last look at the others' logs that succeeded began, ms ago. */
  get confirmedMsAgo(): number {
    return this.parts.context.clock.monotonic() - this.freshness.confirmedAt;
  }

  /** The figures of the messages between them; `undefined` where there are none. */
  get backplaneStats(): BackplaneStats | undefined {
    return this.#wire?.stats();
  }

  /** Since when what others do can't be seen, wall-clock ms; `undefined` where it can. */
  get outOfTouchSince(): number | undefined {
    return this.#outOfTouch.since;
  }

  /** What has kept this instance from joining again so far; `undefined` where the others know it. */
  get exclusion(): CacheError | undefined {
    return this.#membership.exclusion;
  }

  /** Tells `listener` from now on of what others change in a namespace. */
  listen(namespace: string, listener: ChangeListener): void {
    this.#listeners.set(namespace, listener);
  }

  /** The place of the note of a commit that is about to be made. Rejects where the instance can't be made known. */
  next(): Promise<LogPosition> {
    return this.#membership.next();
  }

  /** The note of a commit is there. */
  committed(position: LogPosition, text: () => string): void {
    const { log } = this.#membership;
    if (position.writer !== log.writer) return;
    log.committed(position);
    if (this.#wire?.isUp === true && this.#hasCompany) this.#wire.announce(position, text());
  }

  /** A commit has failed because this instance is not known any more: others have taken it for dead, and their logs may be gone. */
  expelled({ writer }: LogPosition): void {
    this.#membership.removed(writer);
  }

  /** A commit has failed because the database lacks what this instance has committed before. */
  wentBack({ writer }: LogPosition): void {
    this.#membership.wentBack(writer);
  }

  /** A commit has ended nobody knows how: the database may be another one than before. */
  doubted(): void {
    this.#membership.doubt();
  }

  /**
   * What notes of this instance say: `null` where there is none and never will be, since the storage has ended what might have
   * written it; `undefined` where nobody can tell any more.
   */
  async receipts(positions: readonly LogPosition[]): Promise<readonly (Note | null | undefined)[]> {
    const { log } = this.#membership;
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
    this.#membership.end();
    this.#poll.stop();
    this.#heartbeat.stop();
    this.freshness.close();
    await this.#wire?.close().catch(() => undefined);
    const { storage, context } = this.parts;
    await sayGoodbye(storage, this.#membership.log.writer, context.clock);
  }

  async #openWire(): Promise<void> {
    const { backplane } = this.options;
    if (backplane === undefined) return;
    const { storage, context } = this.parts;
    const secret = storage.identity ?? storage.describe();
    this.#wire = new Wire(
      {
        backplane,
        secret,
        name: channelNameOf(secret),
        database: carriesMessages(storage) ? storage.connectMessages : undefined,
        own: () => this.#membership.log.writer,
        onNote: (note) => {
          if (this.#reader.received(note)) void this.freshness.look();
        },
        onHint: () => void this.freshness.look(),
        onOther: () => {
          this.#heard += 1;
          this.#hasCompany = true;
        },
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

  async #read(): Promise<void> {
    const { writer, lastCommitted: n } = this.#membership.log;
    const heard = this.#heard;
    await this.#timed(async () => {
      if (!this.#hasLostTrack) this.#saw(await this.#reader.catchUp(), { writer, n });
      // Asked again: notes may have been removed before they were read, where this process stood still in between.
      if (this.#hasLostTrack) await this.#readAnew({ writer, n });
    });
    // Who was heard meanwhile may have come after the logs were read.
    this.#hasCompany = this.instances > 1 || this.#heard !== heard;
  }

  async #readAnew(own: LogPosition): Promise<void> {
    const hasRejoined = this.#hasRejoined;
    this.#hasRejoined = false;
    try {
      this.#saw(await this.#reader.beginAnew(), own);
    } catch (error) {
      this.#hasRejoined ||= hasRejoined;
      throw error;
    }
  }

  #saw(heads: readonly LogHead[] | undefined, own: LogPosition): void {
    if (heads === undefined) return;
    this.#sightings.note(heads);
    this.#membership.saw(heads, own);
  }

  /** Whether what the logs say is no measure of what is in memory. */
  get #hasLostTrack(): boolean {
    return this.#isOutOfTouch || this.#membership.isOut || this.#hasRejoined;
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
}
