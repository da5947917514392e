import type { CacheService } from '../../index.js';
import { endedOf, valuesOf, type Values } from './figure-values.js';

/** A cache whose figures are shown, and what is left of them when it has ended. */
export class MeasuredCache {
  /** How often it is measured. Held for so long. */
  #times = 0;
  #held: CacheService | undefined;
  readonly #cache: WeakRef<CacheService>;
  /** Whether it may still count, though nobody measures it: its application stops. */
  #isEnding = false;
  #ended: Values = new Map();

  constructor(cache: CacheService) {
    this.#cache = new WeakRef(cache);
  }

  /** Whether nothing of it can change any more. */
  get isGone(): boolean {
    return this.#cache.deref() === undefined;
  }

  begin(): void {
    this.#times += 1;
    this.#held = this.#cache.deref();
  }

  /** Where the application stops, what it counts until it has is still shown. */
  end(isEnding: boolean): void {
    this.#times -= 1;
    if (this.#times > 0 || this.#held === undefined) return;
    this.#ended = endedOf(valuesOf(this.#held), false);
    this.#isEnding = isEnding;
    this.#held = undefined;
  }

  /** What there is to show of it: of one that is not measured any more, what it has counted, and has left behind. */
  values(): Values {
    if (this.#held !== undefined) return valuesOf(this.#held);
    const ending = this.#isEnding ? this.#cache.deref() : undefined;
    this.#ended = ending === undefined ? endedOf(this.#ended, false) : endedOf(valuesOf(ending), true);
    return this.#ended;
  }
}
