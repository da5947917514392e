import type { Clock } from '../clock.js';
import type { Writer } from '../storage-adapter.js';
import { hasStopped, type LogHead } from './shared-storage.js';

/** An instance as another one sees it. */
export interface Sighting extends LogHead {
  /** When its beat or its log was seen to have gone on, by this instance's wall clock, ms. */
  readonly lastSeen: number;
}

/** When each instance was seen to do something last. No two clocks are compared. */
export class Sightings {
  #seen = new Map<Writer, Sighting>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** Those that have not stopped. */
  get all(): readonly Sighting[] {
    return [...this.#seen.values()];
  }

  /** The logs were read. */
  note(heads: readonly LogHead[]): void {
    const now = this.clock.now();
    const seen = new Map<Writer, Sighting>();
    for (const head of heads) {
      if (hasStopped(head)) continue;
      const before = this.#seen.get(head.writer);
      const hasGoneOn = before === undefined || before.beat !== head.beat || before.n !== head.n;
      seen.set(head.writer, { ...head, lastSeen: hasGoneOn ? now : before.lastSeen });
    }
    this.#seen = seen;
  }
}
