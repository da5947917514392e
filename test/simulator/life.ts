import { CacheEngine, type StopReport } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import type { CacheStorageAdapter } from '../../src/core/storage-adapter.js';
import type { NamespaceCache } from '../../src/index.js';
import { namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { RecordingLogger } from '../support/recording-logger.js';
import type { Chronicle } from './chronicle.js';
import type { State, Write } from './model.js';
import {
  BACK,
  KEYS,
  LOADED_KEY,
  NAMES,
  THROUGH,
  type Name,
  type Plan,
  type Step,
  type Weather,
} from './plan.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import type { SimulatedJournal } from './simulated-journal.js';
import type { Conditions, SimulatedStorage } from './simulated-storage.js';
import type { Tally } from './tally.js';
import { Witness } from './witness.js';

export const SHUTDOWN_TIMEOUT_MS = 5000;
/** What `getOrLoad` loads. */
const LOADED = 7;
/** A rename takes two places where it found one, and a clear counts as a write of its own for each namespace. */
const PENDING_SLACK = 1 + BACK.length;
/** More choices than any history needs: one that takes them all hangs. */
const ENDLESS = 20_000;

class Expected extends Error {}

/** What a life is lived with. */
export interface Surroundings {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly conditions: Conditions;
  readonly simulated: SimulatedStorage;
  /** What the engine gets: the simulated storage, or something in front of it. */
  readonly storage: CacheStorageAdapter;
  readonly journal: SimulatedJournal;
  readonly tally: Tally;
  readonly chronicle: Chronicle;
  /** What the database has of a namespace now. */
  readonly stored: (name: Name) => Promise<State>;
}

/** One process, from its start to its end, with the real engine. Throws as soon as what it sees breaks a promise. */
export class Life {
  readonly #engine: CacheEngine;
  readonly #caches = new Map<Name, NamespaceCache<string, number>>();
  readonly #witnesses = new Map<Name, Witness>();
  /** Whether a commit may have been reported as failed that was not. */
  #hasLied = false;
  #violation: Error | undefined;

  constructor(private readonly world: Surroundings) {
    const { plan, scheduler, random, storage, journal } = world;
    this.#engine = new CacheEngine(
      () => storage,
      resolveEngineOptions({
        maxDirty: plan.maxDirty,
        shutdownTimeoutMs: SHUTDOWN_TIMEOUT_MS,
        writeTimeoutMs: 2000,
        checkpointIntervalMs: 1000,
      }),
      {},
      { clock: scheduler, logger: new RecordingLogger(), random: () => random.next() },
      () => journal,
    );
  }

  get witnesses(): readonly Witness[] {
    return [...this.#witnesses.values()];
  }

  witness(name: Name): Witness {
    return this.#witnesses.get(name) as Witness;
  }

  async start(): Promise<void> {
    this.turn('fair');
    const { maxEntries } = this.world.plan;
    const isThrough = (name: Name): boolean => (THROUGH as readonly Name[]).includes(name);
    const registered = NAMES.map(async (name) => {
      const level = isThrough(name) ? ON_CHANGE : ON_SHUTDOWN;
      this.#caches.set(name, await this.#engine.register(namespaceOf<number>(level, { name, maxEntries })));
    });
    await this.until(Promise.all(registered));
    this.#engine.start();
    for (const name of NAMES) this.#witnesses.set(name, new Witness(name, await this.world.stored(name)));
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'write':
        this.#witness(step.name, step.write, this.#write(step.name, step.write));
        break;
      case 'set many':
        this.#setMany(step.name, step.values);
        break;
      case 'get or load':
        this.#getOrLoad(step.name);
        break;
      case 'read':
        this.#read(step.name, step.key);
        break;
      case 'flush':
        this.#flush(step.name);
        break;
      case 'reload':
        this.world.chronicle.follow('load from the database', this.#engine.loadFromDatabase());
        break;
      case 'weather':
        this.turn(step.weather);
        break;
      case 'pass':
        await this.pass(step.steps);
        break;
    }
    this.#assertPendingIsBounded();
    if (this.#violation !== undefined) throw this.#violation;
  }

  turn(weather: Weather): void {
    const { conditions, random, chronicle } = this.world;
    chronicle.note(`   the database: ${weather}`);
    conditions.down = weather === 'down';
    conditions.lies = weather === 'lies';
    conditions.hangs = false;
    conditions.poison.clear();
    if (weather === 'poison') conditions.poison.add(KEYS[random.below(KEYS.length)] as string);
    if (weather === 'lies') this.#hasLied = true;
  }

  async pass(steps: number): Promise<void> {
    for (let i = 0; i < steps; i += 1) await this.world.scheduler.step();
    if (this.#violation !== undefined) throw this.#violation;
  }

  async stop(): Promise<StopReport> {
    // A commit that the deadline or the fault overtakes has an end that nobody sees.
    this.#hasLied = true;
    const stopped = this.#engine.stop();
    await this.until(stopped);
    return stopped;
  }

  /** Lets the scheduler go on until `promise` has settled. */
  async until(promise: Promise<unknown>): Promise<void> {
    const ending = { hasCome: false };
    const come = (): void => {
      ending.hasCome = true;
    };
    promise.then(come, come);
    for (let i = 0; !ending.hasCome; i += 1) {
      const hasMore = await this.world.scheduler.step();
      if ((!hasMore && !ending.hasCome) || i > ENDLESS)
        throw new Error('Something waits for what never comes.');
    }
    await promise;
  }

  #witness(name: Name, write: Write, promise: Promise<unknown>, mayBePartial = false): void {
    this.world.tally.operations += 1;
    this.world.chronicle.follow(`${name}: ${JSON.stringify(write)}`, promise);
    this.witness(name).sees(write, promise, () => mayBePartial || this.#hasLied);
  }

  #write(name: Name, write: Write): Promise<unknown> {
    const cache = this.#cache(name);
    switch (write.kind) {
      case 'set':
        return cache.set(write.key, write.value);
      case 'update':
        return cache.update(write.key, (value) => (value ?? 0) + write.add);
      case 'throw':
        return cache
          .update(write.key, () => {
            throw new Expected();
          })
          .catch((error: unknown) => {
            if (!(error instanceof Expected)) throw error;
          });
      case 'delete':
        return cache.delete(write.key);
      case 'rename':
        return cache.rename(write.key, write.to);
      case 'clear':
        return cache.clear();
    }
  }

  /** A bulk write that rejects does not say which of its entries it is about. */
  #setMany(name: Name, values: readonly (readonly [string, number])[]): void {
    const promise = this.#cache(name).setMany(values);
    for (const [key, value] of values) this.#witness(name, { kind: 'set', key, value }, promise, true);
  }

  #getOrLoad(name: Name): void {
    this.world.tally.operations += 1;
    const promise = this.#cache(name).getOrLoad(LOADED_KEY, () => LOADED);
    this.world.chronicle.follow(`${name}: getOrLoad`, promise);
    promise.then(
      (value) => {
        if (value !== LOADED) this.#broken(`${name}: getOrLoad gave ${value}.`);
      },
      () => undefined,
    );
  }

  #read(name: Name, key: string): void {
    this.world.tally.operations += 1;
    this.#assertCommittedIsSeen(name, key);
    const witness = this.witness(name);
    const { settled } = witness;
    const promise = this.#cache(name).get(key);
    this.world.chronicle.follow(`${name}: get ${key}`, promise);
    promise.then(
      (value) => {
        if (!this.#hasLied && !witness.mayShow(key, value, settled))
          this.#broken(`${name}: ${key} shows ${value}, which it was not at any time of the read.`);
      },
      () => undefined,
    );
  }

  /** A flush that left nothing behind has written every call that had been acknowledged before it. */
  #flush(name: Name): void {
    const witness = this.witness(name);
    const { settled } = witness;
    const flushed = this.#cache(name).flush();
    this.world.chronicle.follow(`${name}: flush`, flushed);
    void flushed.then((report) => {
      if (report.failed === 0 && report.remaining === 0) witness.flushed(settled);
    });
  }

  /** Write-through never shows what was not committed. */
  #assertCommittedIsSeen(name: Name, key: string): void {
    if (!(THROUGH as readonly Name[]).includes(name)) return;
    const seen = this.#cache(name).getIfPresent(key);
    if (seen === undefined || this.witness(name).before.get(key) === seen) return;
    const committed = this.world.simulated.committed.get(`${name} ${key}`);
    if (committed?.has(JSON.stringify(seen)) === true) return;
    throw new Error(`${name}: ${key} shows ${seen}, which was never committed.`);
  }

  #assertPendingIsBounded(): void {
    const stats = this.#engine.stats();
    const dirty = BACK.reduce((sum, name) => sum + (stats[name]?.dirty ?? 0), 0);
    if (dirty > this.world.plan.maxDirty + PENDING_SLACK) throw new Error(`${dirty} entries are unwritten.`);
  }

  #broken(what: string): void {
    this.#violation ??= new Error(what);
  }

  #cache(name: Name): NamespaceCache<string, number> {
    return this.#caches.get(name) as NamespaceCache<string, number>;
  }
}
