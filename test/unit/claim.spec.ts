import { describe, expect, it } from 'vitest';
import { Claim } from '../../src/core/sharing/claim.js';
import type { ClaimEvents, ClaimingStorage, Instance, Rival } from '../../src/core/sharing/shared-storage.js';
import type { Writer } from '../../src/core/storage-adapter.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { errorWith } from '../support/definitions.js';
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
