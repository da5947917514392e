import type { CacheTimer, Clock } from '../../core/clock.js';
import { DATA, send } from '../http/answer.js';
import type { Exchange } from '../http/exchange.js';
import { Refusal } from '../http/refusal.js';
import { EVENTS_TYPE, EventStream } from './event-stream.js';
import type { Overview } from './overview.js';
import type { Sample } from './sampler.js';

/** Between two overviews, ms. */
const EVERY_MS = 1000;
const MOST_STREAMS = 50;
/** A stream ends after so long, ms: its reader comes back, and the guard is asked again. */
const LONGEST_MS = 600_000;

export interface LiveFeedParts {
  readonly clock: Clock;
  readonly overview: () => Promise<Overview>;
  readonly samples: () => readonly Sample[];
}

/** Everyone who watches, and what they are told. While nobody does nothing is asked, and no timer runs. */
export class LiveFeed {
  readonly #streams = new Set<EventStream>();
  #timer: CacheTimer | undefined;
  /** Whether all are being told: the timer is set again then. */
  #isTelling = false;
  #building: Promise<Overview> | undefined;
  #isOver = false;

  constructor(private readonly parts: LiveFeedParts) {}

  /** One is built at a time, for all who ask. */
  overview(): Promise<Overview> {
    this.#building ??= this.parts.overview().finally(() => {
      this.#building = undefined;
    });
    return this.#building;
  }

  async open(exchange: Exchange): Promise<void> {
    if (this.#isOver) {
      // To a reader it is as if the server were gone: it asks again until there is one.
      exchange.response.destroy();
      return;
    }
    // Gone while the guard was asked: nothing would tell that any more.
    if (exchange.response.destroyed) return;
    if (exchange.request.method === 'HEAD') {
      send(exchange, 200, { ...DATA, 'Content-Type': EVENTS_TYPE }, '');
      return;
    }
    if (this.#streams.size >= MOST_STREAMS)
      throw new Refusal(
        503,
        'TOO_MANY_STREAMS',
        `${MOST_STREAMS} pages watch the cache already. Close some.`,
      );
    const stream = new EventStream(exchange, this.parts.clock.monotonic(), (closed) => this.#closed(closed));
    this.#streams.add(stream);
    stream.sendFirst('history', JSON.stringify({ samples: this.parts.samples() }));
    this.#schedule();
    stream.send('overview', JSON.stringify(await this.overview()));
  }

  tell(sample: Sample): void {
    if (this.#streams.size > 0) this.#broadcast('sample', sample);
  }

  /** Ends all streams: an application that stops waits for its connections. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  #closed(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#isTelling) return;
    this.#timer ??= this.parts.clock.setTimer(EVERY_MS, () => void this.#tellAll(), false);
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true;
    const endedBefore = this.parts.clock.monotonic() - LONGEST_MS;
    for (const stream of this.#streams) if (stream.openedAt <= endedBefore) stream.end();
    // What an application has handed in may throw: there is another one in a second.
    const overview = await this.overview().catch(() => undefined);
    this.#isTelling = false;
    this.#timer = undefined;
    if (this.#isOver || this.#streams.size === 0) return;
    this.#schedule();
    if (overview !== undefined) this.#broadcast('overview', overview);
  }

  #broadcast(event: string, data: unknown): void {
    const text = JSON.stringify(data);
    for (const stream of this.#streams) stream.send(event, text);
  }
}
