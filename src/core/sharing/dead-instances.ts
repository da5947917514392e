import type { Writer } from '../storage-adapter.js';
import { NOTES_ARE_KEPT_MS } from './own-log.js';
import type { LogHead } from './shared-storage.js';

/** The beats of the other instances, watched on this one's own clock: no two clocks are compared. */
export class DeadInstances {
  #seen = new Map<Writer, { readonly beat: number; readonly since: number }>();

  /** Those whose beat has stood still for so long that nobody needs their notes, be it that they have stopped or were killed. */
  among(heads: readonly LogHead[], now: number): Writer[] {
    const seen = new Map<Writer, { readonly beat: number; readonly since: number }>();
    const dead: Writer[] = [];
    for (const { writer, beat } of heads) {
      const before = this.#seen.get(writer);
      const since = before?.beat === beat ? before.since : now;
      seen.set(writer, { beat, since });
      if (now - since >= NOTES_ARE_KEPT_MS) dead.push(writer);
    }
    this.#seen = seen;
    return dead;
  }
}
