import { compareStored } from '../../src/core/keys/key-order.js';
import { KEYS, LOADED_KEY } from './plan.js';
import type { Witness } from './witness.js';

/** What a scan gave, in its order. */
export type Scanned = readonly (readonly [key: string, value: number])[];

/** The oracle of listings: what is wrong with what they gave; `undefined` where nothing is. */
export class ScanOracle {
  /** The writes that had ended when it began, and those that were called. */
  readonly #settled: number;
  readonly #calls: number;

  constructor(private readonly witness: Witness) {
    this.#settled = witness.settled;
    this.#calls = witness.calls;
  }

  /** Each key comes once, in order, with a value that it had meanwhile; and with `isWhole`, so does each that was there throughout. */
  faultOf(entries: Scanned, reverse: boolean, isWhole: boolean): string | undefined {
    const keys = entries.map(([key]) => key);
    const sorted = [...new Set(keys)].toSorted(compareStored);
    if ((reverse ? sorted.toReversed() : sorted).join() !== keys.join())
      return `a scan gave ${keys.join(', ')}`;
    const given = new Map(entries);
    for (const key of KEYS) {
      const shown = this.witness.shown(key, this.#settled);
      if (shown === undefined) return undefined;
      const value = given.get(key);
      if (value !== undefined && !shown.has(value))
        return `a scan gave ${value} for ${key}, which it was not at any time of the scan`;
      if (isWhole && value === undefined && !shown.has(undefined))
        return `a scan did not give ${key}, which was there throughout`;
    }
    return undefined;
  }

  /** A count is exact when nothing was written meanwhile. */
  faultOfCount(count: number): string | undefined {
    const { witness } = this;
    if (this.#settled !== this.#calls || witness.calls !== this.#calls) return undefined;
    const size = witness.acknowledged()?.size;
    // Whether the key that is loaded is there nobody has kept account of.
    if (size === undefined || count === size || count === size + 1) return undefined;
    return `a count gave ${count}, and there are ${size} entries besides '${LOADED_KEY}'`;
  }
}
