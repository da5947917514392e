import { setTimeout as delay } from 'node:timers/promises';
import { defineNamespace, isCacheError, json, stringKey } from '../../../dist/src/index.js';
import { Ledger } from './ledger.mjs';
import { POISON, Worker } from './worker.mjs';

/** Few enough that most keys are evicted now and then. */
const MAX_ENTRIES = 100;
const WORKERS = 8;
/** Everyone works, then nobody does, so that idle connections are closed. */
const BURST_MS = 800;
const PAUSE_MS = 500;
/** What a database or a connection that went away may answer with. */
const EXPECTED = ['READ_FAILED', 'WRITE_FAILED'];

const define = (name, persistence) =>
  defineNamespace({ name, key: stringKey(), value: json(), persistence, maxEntries: MAX_ENTRIES });

const durable = define('durable', 'on_change');
const lazy = define('lazy', 'on_shutdown');
const volatile = define('volatile', 'memory');
/** Those that are cleared are written by one worker alone, which knows what came when. */
const durableScratch = define('durable-scratch', 'on_change');
const lazyScratch = define('lazy-scratch', 'on_shutdown');

export const NAMESPACES = [durable, lazy, volatile, durableScratch, lazyScratch];

/** Everything a cache can be asked for, by workers that each know what their keys must hold. */
export class Load {
  #service;
  #stopping = new AbortController();
  #ledgers = new Map(NAMESPACES.map((definition) => [definition, new Ledger()]));
  #operations = 0;
  #failures = {};
  #surprises = [];

  constructor(service) {
    this.#service = service;
  }

  get isStopped() {
    return this.#stopping.signal.aborted;
  }

  stop() {
    this.#stopping.abort();
  }

  /** What was done, and what went wrong. */
  get report() {
    return { operations: this.#operations, failures: this.#failures, surprises: this.#surprises };
  }

  /** Resolves when it was stopped and every call has its answer. */
  async run() {
    const on = (definition) => ({
      cache: this.#service.namespace(definition),
      ledger: this.#ledgers.get(definition),
    });
    const workers = Array.from({ length: WORKERS }, (_, i) => {
      const worker = new Worker(`${i}`, [on(durable), on(lazy)], this.#service.namespace(volatile));
      return () => worker.step();
    });
    const clearing = new Worker('clearing', [on(durableScratch), on(lazyScratch)]);
    workers.push(() => clearing.clearingStep());
    workers.push(() => this.#tendAll());
    while (!this.isStopped) {
      const until = performance.now() + BURST_MS;
      await Promise.all(workers.map((step) => this.#repeat(step, until)));
      await delay(PAUSE_MS);
    }
    // What the database refuses it would not take at the stop either.
    for (const definition of [durable, lazy]) await this.#service.namespace(definition).delete(POISON);
  }

  /** The keys that have another value in `service` than was acknowledged. */
  async lostBy(service) {
    const lost = [];
    for (const [definition, ledger] of this.#ledgers) {
      const cache = service.namespace(definition);
      for (const key of ledger.keys()) {
        const found = (await cache.get(key))?.n;
        if (!ledger.allows(key, found))
          lost.push(`${definition.name} ${key}: ${found} instead of ${ledger.allowed(key).join(' or ')}`);
      }
    }
    return lost;
  }

  async #repeat(step, until) {
    while (performance.now() < until) {
      try {
        await step();
      } catch (error) {
        const { code = 'none' } = error;
        this.#failures[code] = (this.#failures[code] ?? 0) + 1;
        if (!EXPECTED.some((expected) => isCacheError(error, expected))) this.#surprises.push(String(error));
      }
      this.#operations += 1;
      await delay(1);
    }
  }

  /** What an application does now and then for all namespaces. */
  async #tendAll() {
    await delay(Math.random() * BURST_MS);
    if (Math.random() < 0.5) await this.#service.loadFromDatabase();
    else await this.#service.persistAll();
  }
}
