import { isCacheError } from '../../../dist/src/index.js';

/** A key that the database has a rule against. */
export const POISON = 'poison';
const KEYS = 60;

let version = 0;

function newValue() {
  version += 1;
  return { n: version, text: 'x'.repeat(version % 400) };
}

function pick(list) {
  return list[Math.floor(Math.random() * list.length)];
}

/** Does one thing after another to keys that are its own, so that it knows what they hold. */
export class Worker {
  #name;
  #targets;
  #volatile;

  constructor(name, targets, volatile) {
    this.#name = name;
    this.#targets = targets;
    this.#volatile = volatile;
  }

  step() {
    const chance = Math.random();
    if (chance < 0.01) return this.#poison(pick(this.#targets));
    if (chance < 0.2) return this.#getOrLoad();
    const target = pick(this.#targets);
    return pick([
      () => this.#set(target),
      () => this.#setMany(target),
      () => this.#update(target),
      () => this.#delete(target),
      () => this.#rename(target),
      () => this.#get(target),
    ])();
  }

  async clearingStep() {
    const target = pick(this.#targets);
    if (Math.random() < 0.9) return this.#set(target);
    return target.ledger.clear(() => target.cache.clear());
  }

  #set({ cache, ledger }) {
    const key = this.#key();
    const value = newValue();
    return ledger.write([[key, value.n]], () => cache.set(key, value));
  }

  #setMany({ cache, ledger }) {
    const entries = new Map(Array.from({ length: 5 }, () => [this.#key(), newValue()]));
    return ledger.write(
      [...entries].map(([key, { n }]) => [key, n]),
      () => cache.setMany(entries),
    );
  }

  #update(target) {
    const { cache, ledger } = target;
    const key = this.#key();
    const value = newValue();
    return ledger.write([[key, value.n]], () =>
      cache.update(key, (current) => {
        expectAllowed(target, key, current);
        return value;
      }),
    );
  }

  #delete({ cache, ledger }) {
    const key = this.#key();
    return ledger.write([[key, undefined]], () => cache.delete(key));
  }

  async #rename({ cache, ledger }) {
    const from = this.#key();
    const to = this.#key();
    const value = (await cache.get(from))?.n;
    if (from === to || value === undefined) return;
    await ledger.write(
      [
        [from, undefined],
        [to, value],
      ],
      () => cache.rename(from, to),
    );
  }

  async #get(target) {
    const key = this.#key();
    expectAllowed(target, key, await target.cache.get(key));
  }

  async #getOrLoad() {
    const key = this.#key();
    const loaded = newValue();
    const load = () => Promise.resolve(loaded);
    if (Math.random() < 0.5) {
      await this.#volatile.getOrLoad(key, load, { ttlMs: 200 });
      return;
    }
    const target = pick(this.#targets);
    const { n } = await target.cache.getOrLoad(key, load);
    // It resolves also where what was loaded could not be stored.
    if (n === loaded.n) target.ledger.maybe(key, n);
    else expectAllowed(target, key, { n });
  }

  /** The database refuses it: at once, or when it is to be written. */
  async #poison({ cache }) {
    try {
      await cache.set(POISON, newValue());
      await cache.flush();
      await cache.delete(POISON);
    } catch (error) {
      if (!isCacheError(error, 'ENTRY_REFUSED')) throw error;
    }
  }

  #key() {
    return `${this.#name}:${Math.floor(Math.random() * KEYS)}`;
  }
}

function expectAllowed({ cache, ledger }, key, value) {
  if (ledger.allows(key, value?.n)) return;
  const allowed = ledger.allowed(key).map((n) => n ?? 'nothing');
  throw new Error(
    `${cache.definition.name} ${key} is ${value?.n ?? 'nothing'} instead of ${allowed.join(' or ')}.`,
  );
}
