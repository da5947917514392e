import type { CacheEngine } from '../core/engine/cache-engine.js';
import type { StopReport } from '../core/engine/engine-stop.js';
import { CacheError, type NamespaceCache, type NamespaceDefinition } from '../index.js';
import { standIn } from './stand-in.js';
import type { TestClock } from './test-clock.js';

/** An engine that can be stopped and started again in its place: it and its namespaces stay the same objects. */
export interface RestartableEngine extends CacheEngine {
  restart(): Promise<void>;
}

type AnyCache = NamespaceCache<unknown, unknown>;

/** One engine after the other, each made by `create`. The stop takes what time it needs of `clock`: nobody else moves that. */
export function restartable(create: () => CacheEngine, clock: TestClock): RestartableEngine {
  let current = create();
  /** By name. */
  const declared = new Map<string, { readonly definition: NamespaceDefinition; readonly cache: AnyCache }>();
  let ended: Promise<StopReport> | undefined;
  let tellEnd: (report: StopReport) => void;
  const stopped = new Promise<StopReport>((resolve) => {
    tellEnd = resolve;
  });

  const register = async (definition: NamespaceDefinition): Promise<AnyCache> => {
    await current.register(definition);
    let known = declared.get(definition.name);
    if (known === undefined) {
      known = { definition, cache: standIn(() => current.namespace(definition)) };
      declared.set(definition.name, known);
    }
    return known.cache;
  };

  const stop = async (): Promise<StopReport> => {
    const report = await clock.advanceUntil(current.stop());
    // What a test loses is no failure of the process, which is the test runner's.
    tellEnd({ ...report, leftBehind: [] });
    return report;
  };

  const own = {
    register,
    namespace(which: NamespaceDefinition | string): AnyCache {
      const { name } = current.namespace(which).definition;
      return declared.get(name)?.cache as AnyCache;
    },
    drain: () => clock.advanceUntil(current.drain()),
    stop: () => (ended ??= stop()),
    stopped,
    // The rows of a test end with its process.
    rescueAtExit: () => undefined,
    async restart(): Promise<void> {
      if (ended !== undefined)
        throw new CacheError('CACHE_CLOSED', 'The application of the test has been closed.');
      await own.drain();
      await clock.advanceUntil(current.stop());
      const next = create();
      try {
        const loads = [...declared.values()].map(({ definition }) => next.register(definition));
        await clock.advanceUntil(Promise.all(loads));
      } catch (error) {
        await clock.advanceUntil(next.stop());
        throw error;
      }
      current = next;
    },
  };
  return standIn(() => current as RestartableEngine, own as unknown as Partial<RestartableEngine>);
}
