import { Seal } from '../../../src/core/sharing/seal.js';
import type { Backplane, BackplaneChannel } from '../../../src/index.js';
import type { Random } from '../random.js';
import type { Scheduler } from '../scheduler.js';
import type { ProcessClock } from './process-clock.js';
import type { SharedDatabase } from './shared-database.js';
import { PLACE } from './connection.js';
import type { SharedTally } from './shared-tally.js';

/** How late messages come, ms: at once, for the most part. */
const DELAYS_MS = [0, 0, 0, 5, 50, 500, 5000, 150_000];
/** How long a connection takes to be made anew, ms. */
const RECONNECT_MS = 100;

export interface WireParts {
  readonly database: SharedDatabase;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly tally: SharedTally;
}

/** What carries messages between the processes: it says that it is up, and loses them, doubles them, and changes their order. */
export class Wire {
  readonly ends = new Set<WireEnd>();

  constructor(readonly parts: WireParts) {}

  /** What a text of several messages becomes where one of them tells of a note that nobody here can read. */
  written(text: string): string {
    const seal = new Seal(PLACE);
    const messages = (seal.open(text) ?? '').split('\n').map((message) => {
      const { w, n } = JSON.parse(message) as { readonly w: number; readonly n: number };
      return this.parts.database.isForeign({ writer: w, n }) ? `{"w":${w},"n":${n},"v":2,"c":"?"}` : message;
    });
    return seal.seal(messages.join('\n'));
  }
}

/** The end of a wire that one process has. */
export class WireEnd implements Backplane {
  #channel: BackplaneChannel | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly clock: ProcessClock,
  ) {}

  describe(): string {
    return 'simulation';
  }

  async open(channel: BackplaneChannel): Promise<void> {
    await this.clock.turn();
    this.#channel = channel;
    this.wire.ends.add(this);
    channel.onState('up');
  }

  async publish(text: string): Promise<void> {
    const { scheduler, random, tally } = this.wire.parts;
    const written = this.wire.written(text);
    for (const end of this.wire.ends) {
      const copies = random.below(4) - 1;
      if (copies < 1) tally.messagesLost += 1;
      for (let i = 0; i < copies; i += 1) {
        tally.messages += 1;
        scheduler.setTimer(DELAYS_MS[random.below(DELAYS_MS.length)] as number, () => end.#hear(written));
      }
    }
    await this.clock.turn();
  }

  reconnect(error: Error): void {
    this.#channel?.onState('down', error);
    this.clock.setTimer(RECONNECT_MS, () => this.#channel?.onState('up'));
  }

  async close(): Promise<void> {
    this.#channel = undefined;
    this.wire.ends.delete(this);
  }

  #hear(text: string): void {
    this.clock.immediate(() => this.#channel?.onMessage(text));
  }
}
