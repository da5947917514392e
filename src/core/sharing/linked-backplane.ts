import { CacheError } from '../cache-error.js';
import { systemClock, type CacheTimer, type Clock } from '../clock.js';
import { Backoff } from '../writing/backoff.js';
import type { Backplane, BackplaneChannel } from './backplane.js';
import { BackplaneInUse } from './backplane-in-use.js';
import type { BackplaneConnect } from './backplane-link.js';
import { ProvenLink } from './proven-link.js';

/** The longest delay between two attempts to connect, ms. */
const MAX_DELAY_MS = 5000;
/** A link that holds for so long is no sign of an outage any more: the next one to break is replaced at once. */
const STEADY_MS = 10_000;

export interface LinkedBackplaneOptions {
  /** A short word for logs: no credentials. */
  readonly name: string;
  /** Makes a connection. Called for each attempt. */
  readonly connect: BackplaneConnect;
  /** Default that of the machine. */
  readonly clock?: Clock | undefined;
}

/**
 * A backplane of whatever can connect, subscribe and publish: it makes a link, has it hear itself, and makes a new one
 * whenever it breaks, for ever, after 25 ms to 5 s of exponential backoff with jitter.
 *
 * ```ts
 * const nats = new LinkedBackplane({ name: 'NATS', connect: (request) => connectToNats(request) });
 * ```
 */
export class LinkedBackplane implements Backplane {
  readonly #options: LinkedBackplaneOptions;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  #channel: BackplaneChannel | undefined;
  #link: ProvenLink | undefined;
  #isUp = false;
  #isClosed = false;
  #timer: CacheTimer | undefined;
  /** Why it is down. */
  #cause: unknown;
  #upSince = 0;

  constructor(options: LinkedBackplaneOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#backoff = new Backoff(MAX_DELAY_MS, () => this.#clock.jitter?.() ?? Math.random());
  }

  describe(): string {
    return this.#options.name;
  }

  async open(channel: BackplaneChannel): Promise<void> {
    if (this.#isClosed) throw this.#closed();
    if (this.#channel !== undefined) throw new BackplaneInUse(this.describe());
    this.#channel = channel;
    try {
      await this.#attempt(channel, true);
    } catch (error) {
      this.#tryAgain(channel, error);
      throw error;
    }
  }

  async publish(text: string): Promise<void> {
    if (this.#isClosed) throw this.#closed();
    if (!this.#isUp || this.#link === undefined) throw this.#down();
    await this.#link.publish(text);
  }

  reconnect(error: Error): void {
    if (this.#isUp) this.#link?.end(error);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isUp = false;
    this.#timer?.cancel();
    await this.#link?.close(this.#closed());
  }

  async #attempt(channel: BackplaneChannel, isAwaited: boolean): Promise<void> {
    const { connect, name } = this.#options;
    const onOpen = (): void => {
      this.#isUp = true;
      this.#upSince = this.#clock.monotonic();
      channel.onState('up');
    };
    const onEnd = (error: unknown): void => {
      this.#isUp = false;
      // One that breaks again and again does not come back at once.
      if (this.#clock.monotonic() - this.#upSince >= STEADY_MS) this.#backoff.reset();
      this.#tryAgain(channel, error);
      channel.onState('down', error);
    };
    this.#link = new ProvenLink({ connect, channel, clock: this.#clock, name, isAwaited, onOpen, onEnd });
    await this.#link.open();
  }

  #tryAgain(channel: BackplaneChannel, cause: unknown): void {
    this.#cause = cause;
    if (this.#isClosed) return;
    this.#timer = this.#clock.setTimer(
      this.#backoff.next(),
      () => void this.#attempt(channel, false).catch((error: unknown) => this.#tryAgain(channel, error)),
      false,
    );
  }

  #down(): CacheError {
    const message = `The backplane (${this.describe()}) is not connected. It goes on trying.`;
    return new CacheError('BACKPLANE_FAILED', message, { cause: this.#cause });
  }

  #closed(): CacheError {
    return new CacheError('CACHE_CLOSED', `The backplane (${this.describe()}) is closed.`);
  }
}
