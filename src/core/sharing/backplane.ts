import type { BackplaneConnect } from './backplane-link.js';

/** What a text may weigh, in bytes of UTF-8: PostgreSQL's NOTIFY takes no more than 7999. */
export const MAX_TEXT_BYTES = 7900;

/** What a backplane is opened for: one channel, and whoever listens to it. */
export interface BackplaneChannel {
  /** The same in all instances that share a table, and in no others: letters, digits and underscores, 40 at most. */
  readonly name: string;
  /** Connects to the cache's own database, where it carries messages: PostgreSQL does. */
  readonly database?: BackplaneConnect | undefined;
  /** A text that someone published on the channel. One's own come back, too. */
  onMessage(text: string): void;
  /**
   * `up`: what is published from now on, here or elsewhere, is heard here. `down`: nothing is, because of `error`. Called
   * when the state changes, `up` first.
   */
  onState(state: 'up' | 'down', error?: unknown): void;
}

/**
 * Carries short texts from each instance to all of them. Texts may be lost, or come twice: they only make the cache fast, and
 * what they say is in the database anyway. Those of one sender that arrive do so in order, unless a connection broke between.
 * A text weighs 7900 bytes of UTF-8 at most, and has neither NUL nor lone surrogates; what it says is nothing that a
 * backplane needs to know.
 *
 * `LinkedBackplane` makes one of anything that can connect, subscribe and publish.
 */
export interface Backplane {
  /** A short word for logs: no credentials. */
  describe(): string;
  /**
   * Connects and listens. Resolves when it hears what it publishes itself. Rejects when the first attempt fails, in a time of
   * its own, and goes on trying then: `up` says when one succeeds. Called once.
   */
  open(channel: BackplaneChannel): Promise<void>;
  /**
   * Resolves when the carrier has taken the text. Rejects while the backplane is down, and when there is no answer, in a time
   * of its own. Called when the last one has settled.
   */
  publish(text: string): Promise<void>;
  /**
   * Drops a connection that nothing is heard on, though it seems to be there, and makes a new one, as if it had broken with
   * `error`. Does nothing while the backplane is down.
   */
  reconnect(error: Error): void;
  /** Ends it for good, whatever state it is in: neither a message nor a state is told any more. May be called again. */
  close(): Promise<void>;
}
