import { MAX_TEXT_BYTES } from './backplane.js';
import { SEAL_BYTES } from './seal.js';

/** What messages that go together may weigh, bytes. */
export const MAX_MESSAGES_BYTES = MAX_TEXT_BYTES - SEAL_BYTES;

/** Between two messages of a text. JSON without indentation holds none. */
const SEPARATOR = '\n';
/** What waits at most while a send is under way, in bytes. The rest is lost, as what a send fails with is. */
const MAX_WAITING_BYTES = 2 ** 20;

export interface OutboxOptions {
  /** Sends one text. Rejects where it could not. */
  readonly publish: (text: string) => Promise<void>;
  /** So many messages are on their way. */
  readonly onSent?: ((messages: number) => void) | undefined;
  /** So many messages are lost. They are not sent again: whoever misses them finds it in the database. */
  readonly onLost: (messages: number, error: unknown) => void;
}

/**
 * Messages that are to be sent: one send is under way at a time, and what comes meanwhile goes together, as much as a text
 * takes.
 */
export class Outbox {
  #waiting: { readonly message: string; readonly bytes: number }[] = [];
  #bytes = 0;
  #sending: Promise<void> | undefined;

  constructor(private readonly options: OutboxOptions) {}

  /** How many messages wait for a send. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Sends a message, soon. It weighs 7878 bytes at most and has no line break, as JSON without indentation; one that is
   * heavier is lost at once.
   */
  add(message: string): void {
    const bytes = Buffer.byteLength(message);
    if (bytes > MAX_MESSAGES_BYTES) {
      this.options.onLost(
        1,
        new RangeError(`A message weighs ${bytes} bytes; ${MAX_MESSAGES_BYTES} are the most that is sent.`),
      );
      return;
    }
    if (this.#bytes + bytes > MAX_WAITING_BYTES) {
      this.options.onLost(1, new Error(`${MAX_WAITING_BYTES} bytes of messages wait to be sent already.`));
      return;
    }
    this.#waiting.push({ message, bytes });
    this.#bytes += bytes;
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async settled(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    // What is added in the same turn goes together, too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const messages = this.#taken();
      try {
        await this.options.publish(messages.join(SEPARATOR));
      } catch (error) {
        this.options.onLost(messages.length, error);
        continue;
      }
      this.options.onSent?.(messages.length);
    }
    this.#sending = undefined;
  }

  /** As many as one text takes, from the front. */
  #taken(): string[] {
    let size = 0;
    let count = 0;
    for (const { bytes } of this.#waiting) {
      const grown = size + bytes + (count === 0 ? 0 : SEPARATOR.length);
      if (grown > MAX_MESSAGES_BYTES) break;
      size = grown;
      count += 1;
    }
    const taken = this.#waiting.splice(0, count);
    for (const { bytes } of taken) this.#bytes -= bytes;
    return taken.map(({ message }) => message);
  }
}

/** The messages that {@link Outbox} has put into one text. */
export function messagesOf(text: string): string[] {
  return text.split(SEPARATOR);
}
