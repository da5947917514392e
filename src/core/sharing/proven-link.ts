import { randomBytes } from 'node:crypto';
import { CacheError } from '../cache-error.js';
import type { CacheTimer, Clock } from '../clock.js';
import type { BackplaneChannel } from './backplane.js';
import type { BackplaneConnect, BackplaneLink } from './backplane-link.js';

/** How long a connection may take to be made, and a text to be taken, ms. */
const ANSWER_TIMEOUT_MS = 5000;
/** How long an own text may take to come back, ms. */
const ECHO_TIMEOUT_MS = 2000;

export interface ProvenLinkOptions {
  readonly connect: BackplaneConnect;
  readonly channel: BackplaneChannel;
  readonly clock: Clock;
  /** For errors: no credentials. */
  readonly name: string;
  /** Whether somebody waits for it to open: then its timers keep the process alive. */
  readonly isAwaited: boolean;
  readonly onOpen: () => void;
  /** Called once, when it breaks after it has opened. */
  readonly onEnd: (error: unknown) => void;
}

/**
 * A link that has heard itself: it has published a text on a channel of its own, and the text has come back. A server in
 * between may take a subscription and never deliver anything.
 */
export class ProvenLink {
  readonly #ended: Promise<never>;
  readonly #abandoned = new AbortController();
  #reject: (error: unknown) => void = () => undefined;
  #link: BackplaneLink | undefined;
  #state: 'opening' | 'open' | 'over' = 'opening';
  /** What comes back from the channel of its own. */
  #onEcho: () => void = () => undefined;

  constructor(private readonly options: ProvenLinkOptions) {
    this.#ended = new Promise<never>((_resolve, reject) => {
      this.#reject = reject;
    });
    // Who waits for something of this link hears of it; often nobody does.
    this.#ended.catch(() => undefined);
  }

  /** Resolves when it has heard itself; rejects when it never will, and is over then. Called once. */
  async open(): Promise<void> {
    const { name } = this.options.channel;
    const own = `${name}_${randomBytes(4).toString('hex')}`;
    try {
      const opened = this.#connect(own, name);
      const link = await this.#within(ANSWER_TIMEOUT_MS, opened, 'could not be connected to');
      await this.#hearItself(link, own);
      this.#state = 'open';
      this.options.onOpen();
    } catch (error) {
      this.end(error);
      throw error;
    }
  }

  /**
   * Rejects when it is over before the text is taken. One that gives no answer is over. Keeps the process alive meanwhile: a
   * stop that waits for its last texts comes to its end.
   */
  async publish(text: string): Promise<void> {
    const { channel } = this.options;
    const taken = this.#link?.publish(channel.name, text);
    let isLate = false;
    const late = (): Error => {
      isLate = true;
      return this.#failed('has not taken a text');
    };
    try {
      await this.#race(ANSWER_TIMEOUT_MS, taken, late, true);
    } catch (error) {
      if (isLate) this.end(error);
      throw error;
    }
  }

  /** Ends it, because of `error`; tells so if it was open. */
  end(error: unknown): void {
    const before = this.#state;
    if (before === 'over') return;
    void this.close(error);
    if (before === 'open') this.options.onEnd(error);
  }

  /** Ends it without a word, but to who waits for something of it. */
  async close(error: unknown): Promise<void> {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#reject(error);
    const link = this.#link;
    this.#link = undefined;
    if (link === undefined) this.#abandoned.abort();
    else await closed(link);
  }

  async #connect(own: string, name: string): Promise<BackplaneLink> {
    const { connect, channel } = this.options;
    const link = await connect({
      onMessage: (from, text) => {
        if (this.#state === 'over') return;
        if (from === own) this.#onEcho();
        else if (from === name) channel.onMessage(text);
      },
      onEnd: (error) => this.end(error),
      signal: this.#abandoned.signal,
      database: channel.database,
    });
    if (this.#isOver()) {
      await closed(link);
      throw this.#failed('was connected to too late');
    }
    this.#link = link;
    await link.subscribe(name);
    await link.subscribe(own);
    return link;
  }

  async #hearItself(link: BackplaneLink, own: string): Promise<void> {
    const echo = new Promise<void>((resolve) => {
      this.#onEcho = resolve;
    });
    const sent = link.publish(own, 'echo');
    await this.#within(ECHO_TIMEOUT_MS, Promise.all([sent, echo]), 'does not bring back what is sent to it');
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }

  #within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
    return this.#race(ms, work, () => this.#failed(what), this.options.isAwaited);
  }

  async #race<T>(
    ms: number,
    work: Promise<T> | undefined,
    late: () => Error,
    keepAlive: boolean,
  ): Promise<T> {
    let timer: CacheTimer | undefined;
    const timeUp = new Promise<never>((_resolve, reject) => {
      timer = this.options.clock.setTimer(ms, () => reject(late()), keepAlive);
    });
    // Whichever of them nobody waits for any more may fail.
    work?.catch(() => undefined);
    try {
      return await Promise.race([this.#ended, timeUp, ...(work === undefined ? [] : [work])]);
    } finally {
      timer?.cancel();
    }
  }

  #failed(what: string): CacheError {
    return new CacheError('BACKPLANE_FAILED', `The backplane (${this.options.name}) ${what}.`);
  }
}

async function closed(link: BackplaneLink): Promise<void> {
  try {
    await link.close();
  } catch {
    // It is over all the same.
  }
}
