import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions, type EngineOptions } from '../../src/core/engine/engine-options.js';
import {
  CachePersistenceLevel,
  defineNamespace,
  json,
  stringKey,
  type NamespaceOf,
  type SharedStorage,
} from '../../src/index.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { ChaosStorage } from './chaos-storage.js';
import { FakeClock } from './fake-clock.js';
import { RecordingLogger } from './recording-logger.js';

const settings = defineNamespace({
  name: 'settings',
  key: stringKey(),
  value: json<string>(),
  persistence: CachePersistenceLevel.ON_CHANGE,
  maxEntries: 100,
});

const drafts = defineNamespace({
  name: 'drafts',
  key: stringKey(),
  value: json<string>(),
  persistence: CachePersistenceLevel.ON_SHUTDOWN,
});

export interface Instance {
  readonly cache: NamespaceOf<typeof settings>;
  readonly drafts: NamespaceOf<typeof drafts>;
  readonly storage: ChaosStorage;
  readonly engine: CacheEngine;
  readonly log: RecordingLogger;
}

/** Several instances on one storage and one clock, all with a namespace of each persisted level. */
export class InstancesWorld {
  readonly clock = new FakeClock();
  readonly rows = new InMemoryStorage();

  async start(options: EngineOptions = {}, wrap = (storage: ChaosStorage) => storage): Promise<Instance> {
    const storage = wrap(new ChaosStorage(this.rows));
    const log = new RecordingLogger();
    const context = { clock: this.clock, logger: log, random: () => 0.5 };
    const given = resolveEngineOptions({ ...options, instances: 'many' });
    const engine = new CacheEngine(() => storage, given, {}, context);
    return {
      cache: await engine.register(settings),
      drafts: await engine.register(drafts),
      storage,
      engine,
      log,
    };
  }
}

/** Has the next call of a method wait for what is given back before it takes effect. */
export function holdCall(storage: ChaosStorage, name: keyof SharedStorage): () => void {
  return hold(storage, name, async (call, isReleased) => {
    await isReleased;
    return call();
  });
}

/** Has the next call of a method take effect at once, and its answer wait for what is given back. */
export function holdAnswer(storage: ChaosStorage, name: keyof SharedStorage): () => void {
  return hold(storage, name, async (call, isReleased) => {
    const answer = await call();
    await isReleased;
    return answer;
  });
}

function hold(
  storage: ChaosStorage,
  name: keyof SharedStorage,
  held: (call: () => Promise<unknown>, isReleased: Promise<void>) => Promise<unknown>,
): () => void {
  let release: () => void = () => undefined;
  const isReleased = new Promise<void>((resolve) => {
    release = resolve;
  });
  const method = Reflect.get(storage, name) as (...args: unknown[]) => Promise<unknown>;
  Reflect.set(storage, name, (...args: unknown[]) => {
    Reflect.set(storage, name, method);
    return held(() => method.apply(storage, args), isReleased);
  });
  return release;
}
