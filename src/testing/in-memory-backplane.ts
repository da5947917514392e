import { systemClock } from '../core/clock.js';
import {
  LinkedBackplane,
  type Backplane,
  type BackplaneLink,
  type Clock,
  type LinkRequest,
} from '../index.js';

/** A connection, and the channels that it listens to. */
interface Listener {
  readonly request: LinkRequest;
  readonly channels: Set<string>;
}

/**
 * Carries messages between the caches of one process, for tests of applications that run as many instances: each cache gets an
 * end of it. It breaks when told to.
 */
export class InMemoryBackplane {
  readonly #listeners = new Set<Listener>();
  #isAway = false;

  /** `clock` is what ends wait on before they connect again: the caches' `TestClock`, where there is one. */
  constructor(private readonly clock: Clock = systemClock) {}

  /** A new end, for one cache. */
  end(): Backplane {
    return new LinkedBackplane({
      name: 'memory',
      connect: (request) => this.#connect(request),
      clock: this.clock,
    });
  }

  /** Breaks every connection, as a server does that restarts: the ends connect again, 12 ms later at the earliest. */
  cut(): void {
    const cut = [...this.#listeners];
    this.#listeners.clear();
    for (const { request } of cut) request.onEnd(away());
  }

  /** Breaks every connection, and takes no new one until {@link heal}. */
  goAway(): void {
    this.#isAway = true;
    this.cut();
  }

  /** Takes connections again. */
  heal(): void {
    this.#isAway = false;
  }

  async #connect(request: LinkRequest): Promise<BackplaneLink> {
    if (this.#isAway) throw away();
    const listener: Listener = { request, channels: new Set() };
    this.#listeners.add(listener);
    return {
      subscribe: async (channel) => {
        listener.channels.add(channel);
      },
      publish: async (channel, text) => {
        if (!this.#listeners.has(listener)) throw away();
        for (const other of this.#listeners) queueMicrotask(() => this.#deliver(other, channel, text));
      },
      close: async () => {
        this.#listeners.delete(listener);
      },
    };
  }

  #deliver(listener: Listener, channel: string, text: string): void {
    if (this.#listeners.has(listener) && listener.channels.has(channel))
      listener.request.onMessage(channel, text);
  }
}

function away(): Error {
  return new Error('The backplane in memory was told to break.');
}
