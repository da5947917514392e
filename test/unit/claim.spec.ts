import { beforeEach, describe, expect, it } from 'vitest';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { Claim } from '../../src/core/sharing/claim.js';
import type { ClaimEvents, ClaimingStorage, Instance, Rival } from '../../src/core/sharing/shared-storage.js';
import type { Writer } from '../../src/core/storage-adapter.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { errorWith, namespaceOf, ON_SHUTDOWN } from '../support/definitions.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';

/** A storage whose instances are seen by each other, as on a server. */
class Table extends InMemoryStorage implements ClaimingStorage {
  override readonly keepsOthersOut: boolean = true;
  readonly rows = new Map<Writer, Rival>();
  readonly events = new Map<Writer, ClaimEvents | undefined>();
  beats = 0;
  isAway = false;

  override async join(instance: Instance, events?: ClaimEvents): Promise<readonly Rival[]> {
    const others = [...this.rows.values()];
    const rivals = instance.mode === 'one' ? others : others.filter(({ mode }) => mode === 'one');
    if (rivals.length > 0) return rivals;
    this.rows.set(instance.writer, { ...instance, beat: 0 });
    this.events.set(instance.writer, events);
    return [];
  }

  override async beat(writer: Writer): Promise<boolean> {
    if (this.isAway) throw new Error('away');
    this.beats += 1;
    const row = this.rows.get(writer);
    if (row !== undefined) this.rows.set(writer, { ...row, beat: (row.beat ?? 0) + 1 });
    return row !== undefined;
  }

  override async leave(writer: Writer): Promise<void> {
    this.rows.delete(writer);
  }

  override async remove(writer: Writer, beat?: number): Promise<boolean> {
    return this.rows.get(writer)?.beat === beat && this.rows.delete(writer);
  }

  /** An instance of another process. */
  stranger(mode: Rival['mode']): Rival {
    const rival = { writer: 1, mode, about: 'elsewhere, process 1', beat: 0 };
    this.rows.set(1, rival);
    return rival;
  }
}

/** A clock of a machine whose process can be suspended: timers are late then. */
class SuspendedClock extends FakeClock {
  #suspended = 0;

  override monotonic(): number {
    return super.monotonic() + this.#suspended;
  }

  suspend(ms: number): void {
    this.#suspended += ms;
  }
}

class World {
  readonly clock = new SuspendedClock();
  readonly logger = new RecordingLogger();
  readonly table = new Table();
  readonly lost: string[] = [];

  take(): Promise<Claim> {
    return Claim.take({
      storage: this.table,
      place: 'the table',
      context: { clock: this.clock, logger: this.logger, random: () => 0.5 },
      onLost: ({ code }) => this.lost.push(code),
      onOverwritten: () => undefined,
    });
  }

  /** Takes a claim while time goes on, and `others` does what others do in each step of it. */
  async takeIn(ms: number, others: () => void = () => undefined): Promise<Claim> {
    const end = { isReached: false };
    const taking = this.take().finally(() => {
      end.isReached = true;
    });
    taking.catch(() => undefined);
    for (let waited = 0; waited < ms && !end.isReached; waited += 100) {
      await settle();
      others();
      await this.clock.advance(100);
    }
    await settle();
    return taking;
  }
}

describe('an instance that starts beside another one', () => {
  it('takes its place when that has shown no sign of life for 10 s', async () => {
    const world = new World();
    world.table.stranger('one');
    const claim = await world.takeIn(12_000);
    expect([...world.table.rows.keys()]).toEqual([claim.writer]);
    expect(world.logger.with('no sign of life')).toHaveLength(1);
    await claim.end();
  });

  it('gives up after 10 s where that beats, however seldom', async () => {
    const world = new World();
    const rival = world.table.stranger('one');
    let steps = 0;
    const beatOnce = (): void => {
      steps += 1;
      if (steps === 50) world.table.rows.set(1, { ...rival, beat: 1 });
    };
    await expect(world.takeIn(12_000, beatOnce)).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    expect(world.table.rows.has(1)).toBe(true);
    expect(world.logger.with('waits for another process')).toHaveLength(1);
  });

  it('gives up after 10 s where that works beside others, which beat too seldom to be seen', async () => {
    const world = new World();
    world.table.stranger('many');
    await expect(world.takeIn(12_000)).rejects.toThrow(/elsewhere, process 1 \(instances: 'many'\)/);
    expect(world.table.rows.has(1)).toBe(true);
  });

  it('does not take its place where it beats at the last moment', async () => {
    const world = new World();
    const rival = world.table.stranger('one');
    const remove = world.table.remove.bind(world.table);
    world.table.remove = (writer, beat) => {
      world.table.rows.set(1, { ...rival, beat: 1 });
      return remove(writer, beat);
    };
    await expect(world.takeIn(12_000)).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
  });
});

/** Whether a promise has ended, either way. */
function endOf(promise: Promise<unknown>): { readonly isReached: boolean } {
  const end = { isReached: false };
  void promise
    .catch(() => undefined)
    .then(() => {
      end.isReached = true;
    });
  return end;
}

describe('an instance that waits for another one', () => {
  let world: World;

  beforeEach(() => {
    world = new World();
  });

  async function goOn(ms: number): Promise<void> {
    for (let waited = 0; waited < ms; waited += 100) {
      await world.clock.advance(100);
      await settle();
    }
  }

  it('says so at once, and starts as soon as that has gone', async () => {
    world.table.stranger('one');
    const taking = world.take();
    const end = endOf(taking);
    await goOn(200);
    expect(world.logger.with('waits for another process')).toHaveLength(1);
    await goOn(7000);
    expect(end.isReached).toBe(false);
    await world.table.leave(1);
    await goOn(100);
    expect(end.isReached).toBe(true);
    await (await taking).end();
    expect(world.logger.lines).toHaveLength(1);
  });

  it('waits for 10 s, and no longer', async () => {
    world.table.stranger('many');
    const taking = world.take();
    const end = endOf(taking);
    await goOn(9900);
    expect(end.isReached).toBe(false);
    await goOn(200);
    expect(end.isReached).toBe(true);
    await expect(taking).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    await expect(taking).rejects.toThrow(/for 10 s.*instances: 'many' in each of them/);
  });

  it('does not, where that is of its own process and is not being stopped: it is refused at once', async () => {
    const first = await world.take();
    await expect(world.take()).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    await expect(world.take()).rejects.toThrow('has not been closed');
    expect(world.logger.lines).toEqual([]);
    await first.end();
  });

  it('does so where that is of its own process and is being stopped, until its end', async () => {
    const first = await world.take();
    first.ending();
    const taking = world.take();
    const end = endOf(taking);
    await goOn(5000);
    expect(end.isReached).toBe(false);
    await first.end();
    await goOn(100);
    expect(end.isReached).toBe(true);
    await (await taking).end();
  });

  it('starts when everything that was dirty in that is written, and not when its stop begins', async () => {
    const drafts = namespaceOf<string>(ON_SHUTDOWN, { name: 'drafts' });
    const start = () => {
      const context = { clock: world.clock, logger: world.logger, random: () => 0.5 };
      const options = resolveEngineOptions({ checkpointIntervalMs: false, instances: 'one' });
      const engine = new CacheEngine(() => world.table, options, {}, context);
      return { engine, starting: engine.register(drafts) };
    };
    const first = start();
    await (await first.starting).set('a', 'mine');
    const write = world.table.write.bind(world.table);
    let letThrough: () => void = () => undefined;
    const isLetThrough = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    world.table.write = async (...of) => {
      await isLetThrough;
      return write(...of);
    };
    const stopped = first.engine.stop();
    const second = start();
    const end = endOf(second.starting);
    await goOn(5000);
    expect(end.isReached).toBe(false);
    letThrough();
    await goOn(100);
    await stopped;
    expect(end.isReached).toBe(true);
    expect(await (await second.starting).get('a')).toBe('mine');
    await second.engine.stop();
  });
});

describe('an instance that is alone', () => {
  it('beats often enough for others to see it, and writes without asking', async () => {
    const world = new World();
    const claim = await world.take();
    for (let seconds = 0; seconds < 30; seconds += 1) {
      await world.clock.advance(1000);
      await settle();
      expect(claim.admit()).toBeUndefined();
    }
    expect(world.table.beats).toBe(10);
    await claim.end();
    await world.clock.advance(30_000);
    expect(world.table.beats).toBe(10);
  });

  it.each([
    // The other one stands still.
    ['the wall clock', { wall: 6000, monotonic: 0 }],
    ['the monotonic clock', { wall: -6000, monotonic: 6000 }],
  ])('asks before it writes when %s says that it was suspended', async (_name, { wall, monotonic }) => {
    const world = new World();
    const claim = await world.take();
    world.clock.stepWall(wall);
    world.clock.suspend(monotonic);
    const admitted = claim.admit();
    expect(admitted).toBeDefined();
    await admitted;
    expect(claim.admit()).toBeUndefined();
    await claim.end();
  });

  it('asks before it writes when its session has broken, until an answer came', async () => {
    const world = new World();
    const claim = await world.take();
    world.table.isAway = true;
    world.table.events.get(claim.writer)?.disturbed();
    await settle();
    await expect(claim.admit()).rejects.toThrow('away');
    world.table.isAway = false;
    await claim.admit();
    expect(claim.admit()).toBeUndefined();
    expect(world.lost).toEqual([]);
    await claim.end();
  });

  it('refuses every write once others have its place', async () => {
    const world = new World();
    const claim = await world.take();
    world.table.rows.clear();
    world.clock.stepWall(6000);
    await expect(claim.admit()).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    await expect(claim.admit()).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    expect(world.lost).toEqual(['INSTANCE_RUNNING']);
    expect(world.logger.with('fatal')).toHaveLength(1);
  });
});
