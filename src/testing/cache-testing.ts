import type { FaultyStorage } from './faulty-storage.js';
import type { RestartableEngine } from './restartable-engine.js';
import type { TestClock } from './test-clock.js';

/** What a test has in hand of a cache under test: `module.get(CacheTesting)`. */
export class CacheTesting {
  readonly #engine: RestartableEngine;

  constructor(
    /** The time of the cache. */
    readonly clock: TestClock,
    /** What the cache stores in, with faults to inject. Its rows outlive restarts. */
    readonly storage: FaultyStorage,
    engine: RestartableEngine,
  ) {
    this.#engine = engine;
  }

  /**
   * Stops the cache as the stop of an application does, and starts it again on the same rows: memory is empty, and what was
   * persisted is loaded. Injected services and namespaces go on with the new one. Time passes only where the stop waits for a
   * storage that fails or hangs. Rejects with what a start on this storage rejects with; the cache then stays stopped, and
   * `restart()` may be called again.
   */
  restart(): Promise<void> {
    return this.#engine.restart();
  }
}
