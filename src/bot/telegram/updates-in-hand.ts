import type { Update } from 'grammy/types';

/**
 * The updates that were fetched and not confirmed. Telegram takes an offset as the confirmation of everything below it, and
 * brings all that is not confirmed with every fetch: so the offset is never past an update that was not handled.
 */
export class UpdatesInHand {
  /** Each with whether it was handled, in the order of their arrival. */
  readonly #updates = new Map<number, boolean>();
  #offset = 0;

  /** Up to here, and without it, everything was handled. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes a batch; gives the updates in it that are new. */
  admit(batch: readonly Update[]): Update[] {
    const fresh = batch.filter(({ update_id: id }) => !this.#updates.has(id));
    for (const { update_id: id } of fresh) this.#updates.set(id, false);
    return fresh;
  }

  handled({ update_id: id }: Update): void {
    this.#updates.set(id, true);
    for (const [first, isHandled] of this.#updates) {
      if (!isHandled) return;
      this.#offset = first + 1;
    }
  }

  /** Telegram has taken the offset, and won't bring what is below it again. */
  confirmed(offset: number): void {
    for (const [id, isHandled] of this.#updates) {
      if (!isHandled || id >= offset) return;
      this.#updates.delete(id);
    }
  }
}
