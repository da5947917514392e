import { EventEmitter, once } from 'node:events';

/** An update as Telegram delivers it. */
export interface Update {
  readonly update_id: number;
  readonly message: object;
}

/** The updates of a bot, as Telegram keeps them: each is delivered with every fetch until an offset above it confirms it. */
export class UpdateQueue {
  /** The update of each delivery, in their order. */
  readonly delivered: number[] = [];
  readonly #events = new EventEmitter().setMaxListeners(0);
  #updates: Update[] = [];
  #lastId = 1000;

  /** Adds messages of any kind; gives the id of the last one's update. */
  add(...messages: readonly object[]): number {
    for (const message of messages) {
      this.#lastId += 1;
      const stamped = { message_id: this.#lastId, date: 1_800_000_000, ...message };
      this.#updates.push({ update_id: this.#lastId, message: stamped });
    }
    this.#events.emit('change');
    return this.#lastId;
  }

  /** How many updates nobody has confirmed. */
  get unconfirmed(): number {
    return this.#updates.length;
  }

  isConfirmed(id: number): boolean {
    return this.#updates.every((update) => update.update_id !== id);
  }

  /** Resolves when all but so many updates are confirmed. */
  async confirmedBut(count: number): Promise<void> {
    while (this.unconfirmed > count) await once(this.#events, 'change');
  }

  /** Confirms everything below `offset`, then waits for updates for as long as it may; none when `signal` ends that. */
  async fetch(offset: number, limit: number, seconds: number, signal: AbortSignal): Promise<Update[]> {
    this.#updates = this.#updates.filter((update) => update.update_id >= offset);
    this.#events.emit('change');
    if (seconds > 0) await this.#arrival(AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]));
    if (signal.aborted) return [];
    const batch = this.#updates.slice(0, limit);
    this.delivered.push(...batch.map((update) => update.update_id));
    return batch;
  }

  async #arrival(over: AbortSignal): Promise<void> {
    while (this.#updates.length === 0 && !over.aborted) {
      await once(this.#events, 'change', { signal: over }).catch(() => undefined);
    }
  }
}
