import { describe, expect, it } from 'vitest';
import { CacheEngine } from '../../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../../src/core/engine/engine-options.js';
import type { RescueJournal } from '../../../src/core/rescue/rescue-journal.js';
import { CacheError, type Backplane, type BackplaneChannel } from '../../../src/index.js';
import { ChaosStorage } from '../../support/chaos-storage.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../../support/definitions.js';
import { settle } from '../../support/fake-clock.js';
import { InstancesWorld } from '../../support/instances-world.js';
import { RecordingJournal } from '../../support/recording-journal.js';
import { RecordingLogger } from '../../support/recording-logger.js';

const never = (): Promise<never> => new Promise(() => undefined);

/** One of an application: it says that it is there, carries nothing, and does what `ways` say. */
class UnrulyBackplane implements Backplane {
  isClosed = false;

  constructor(private readonly ways: Partial<Backplane> = {}) {}

  describe(): string {
    return this.ways.describe?.() ?? 'unruly';
  }

  async open(channel: BackplaneChannel): Promise<void> {
    if (this.ways.open !== undefined) return this.ways.open(channel);
    channel.onState('up');
  }

  async publish(): Promise<void> {
    // Nobody hears it.
  }

  reconnect(error: Error): void {
    this.ways.reconnect?.(error);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.ways.close?.();
  }
}

function fails(): never {
  throw new Error('The application has it fail.');
}

describe('a backplane of the application', () => {
  it('that throws where it is to connect anew counts as down, and instances go on looking', async () => {
    const world = new InstancesWorld();
    const one = await world.start();
    const other = await world.start({ backplane: new UnrulyBackplane({ reconnect: fails }) });
    for (let i = 0; i < 12; i += 1) {
      await other.cache.get('a');
      await world.clock.advance(500);
    }
    await one.cache.set('a', 'new');
    await world.clock.advance(100);
    expect(other.cache.getIfPresent('a')).toBeUndefined();
    expect(await other.cache.get('a')).toBe('new');
    expect(other.log.with('is down')).toHaveLength(1);
  });

  it('that never opens holds a start up for 10 s, which says so', async () => {
    const world = new InstancesWorld();
    const starting = world.start({ backplane: new UnrulyBackplane({ open: never, describe: fails }) });
    await world.clock.advance(10_000);
    const { cache, log } = await starting;
    await cache.set('a', '1');
    expect(log.with('has not opened within 10 s')).toHaveLength(1);
  });

  it('that never closes is left behind: the instance says goodbye, and the storage is closed', async () => {
    const world = new InstancesWorld();
    const { engine } = await world.start({ backplane: new UnrulyBackplane({ close: never }) });
    const stopping = engine.stop();
    await world.clock.advance(1000);
    await settle();
    expect(await world.rows.heads()).toMatchObject([{ beat: -1 }]);
    await stopping;
  });

  it('that has nobody to carry changes to is refused, with the remedy', () => {
    const backplane = new UnrulyBackplane();
    for (const instances of ['one', undefined] as const)
      expect(() => resolveEngineOptions({ instances, backplane })).toThrow(/'many'/);
    expect(() => resolveEngineOptions({ backplane: false })).not.toThrow();
  });

  it('that lacks a method is refused', () => {
    for (const method of ['describe', 'open', 'publish', 'reconnect', 'close'] as const) {
      const backplane = { describe: never, open: never, publish: never, reconnect: never, close: never };
      const lacking = { ...backplane, [method]: undefined } as unknown as Backplane;
      expect(() => resolveEngineOptions({ backplane: lacking })).toThrow(errorWith('INVALID_OPTION'));
    }
  });
});

describe('a start that fails once it has joined the others', () => {
  async function expectEnded(prepare: (storage: ChaosStorage) => void, journal?: RescueJournal) {
    const { clock, rows } = new InstancesWorld();
    const storage = new ChaosStorage(rows);
    prepare(storage);
    const backplane = new UnrulyBackplane();
    const engine = new CacheEngine(
      () => storage,
      resolveEngineOptions({ instances: 'many', backplane }),
      {},
      { clock, logger: new RecordingLogger(), random: () => 0.5 },
      () => journal,
    );
    await expect(engine.register(namespaceOf<string>(ON_CHANGE))).rejects.toThrow(CacheError);
    expect(backplane.isClosed).toBe(true);
    expect(await rows.heads()).toMatchObject([{ beat: -1 }]);
  }

  it('ends what it has begun where the logs can not be read', () =>
    expectEnded((storage) => Object.assign(storage, { heads: () => Promise.reject(new Error('away')) })));

  it('ends what it has begun where a journal can not be replayed', async () => {
    class Illegible extends RecordingJournal {
      override claim(): Promise<never> {
        return Promise.reject(new CacheError('JOURNAL_NOT_UNDERSTOOD', 'Nobody can read it.'));
      }
    }
    await expectEnded(() => undefined, new Illegible());
  });
});
