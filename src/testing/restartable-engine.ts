import type { CacheEngine } from '../core/engine/cache-engine.js';
import type { StopReport } from '../core/engine/engine-stop.js';
import { SerialQueue } from '../core/serial-queue.js';
import { CacheError, type NamespaceCache, type NamespaceDefinition } from '../index.js';
import { standIn } from './stand-in.js';
import type { TestClock } from './test-clock.js';

/** An engine that can be stopped and started again in its place: it and its namespaces stay the same objects. */
export interface RestartableEngine extends CacheEngine {
  restart(): Promise<void>;
}

type AnyCache = NamespaceCache<unknown, unknown>;

/** An engine whose lives are each made by `create`. Its stop takes the time that it needs from `clock`: nobody else moves that. */
export function restartable(create: () => CacheEngine, clock: TestClock): RestartableEngine {
  const lives = new EngineLives(create, clock);
  return standIn(() => lives.current as RestartableEngine, {
    register: lives.register.bind(lives) as CacheEngine['register'],
    namespace: lives.namespace.bind(lives) as CacheEngine['namespace'],
    drain: () => lives.drain(),
    stop: () => lives.end(),
    stopped: lives.ended,
    restart: () => lives.restart(),
    // The rows of a test end with its process.
    rescueAtExit: () => [],
  });
}

/** One engine after another. */
class EngineLives {
  #current: CacheEngine;
  /** By name. */
  readonly #declared = new Map<
    string,
    { readonly definition: NamespaceDefinition; readonly cache: AnyCache }
  >();
  readonly #line = new SerialQueue();
  #end: Promise<StopReport> | undefined;
  #tellEnd!: (report: StopReport) => void;
  /** Resolves when the last of them has stopped. */
  readonly ended: Promise<StopReport>;

  constructor(
    private readonly create: () => CacheEngine,
    private readonly clock: TestClock,
  ) {
    this.#current = create();
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
  }

  get current(): CacheEngine {
    return this.#current;
  }

  async register(definition: NamespaceDefinition): Promise<AnyCache> {
    await this.#current.register(definition);
    let known = this.#declared.get(definition.name);
    if (known === undefined) {
      known = { definition, cache: standIn(() => this.#current.namespace(definition)) };
      this.#declared.set(definition.name, known);
    }
    return known.cache;
  }

  namespace(which: NamespaceDefinition | string): AnyCache {
    const cache: AnyCache = this.#current.namespace(which);
    return this.#declared.get(cache.definition.name)?.cache ?? cache;
  }

  drain(): Promise<void> {
    return this.clock.advanceUntil(this.#current.drain());
  }

  end(): Promise<StopReport> {
    this.#end ??= this.#line.run(async () => {
      const report = await this.clock.advanceUntil(this.#current.stop());
      // What a test loses is no failure of the process, which is the test runner's.
      this.#tellEnd({ ...report, leftBehind: [] });
      return report;
    });
    return this.#end;
  }

  restart(): Promise<void> {
    return this.#line.run(async () => {
      if (this.#end !== undefined)
        throw new CacheError(
          'CACHE_CLOSED',
          'The application of the test has been closed: it has no cache to restart.',
        );
      await this.drain();
      await this.clock.advanceUntil(this.#current.stop());
      this.#current = await this.#start();
    });
  }

  async #start(): Promise<CacheEngine> {
    const engine = this.create();
    try {
      const loads = [...this.#declared.values()].map(({ definition }) => engine.register(definition));
      await this.clock.advanceUntil(Promise.all(loads));
      return engine;
    } catch (error) {
      await this.clock.advanceUntil(engine.stop());
      throw error;
    }
  }
}
