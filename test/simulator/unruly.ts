import type { CacheLogger } from '../../src/core/cache-logger.js';
import type { ValueCodec } from '../../src/index.js';
import { padded, unpadded } from './padding.js';
import type { Random } from './random.js';

/** What an application hands in, and what may throw now and then. */
export type Unruly = 'logger' | 'codec' | 'listener';

/** A value that no codec of a simulation encodes. */
export const UNENCODABLE = -1;
/** A value that a codec which checks by decoding encodes to a text that it can't decode. */
export const UNDECODABLE = -2;

export class UnrulyError extends Error {
  constructor(readonly by: Unruly) {
    super(`The ${by} throws.`);
  }
}

/** Nothing is said, and every other line throws where the logger is unruly. */
export class SimulatedLogger implements CacheLogger {
  constructor(
    private readonly random: Random,
    private readonly isUnruly: boolean,
  ) {}

  log(): void {
    this.#take();
  }

  warn(): void {
    this.#take();
  }

  error(): void {
    this.#take();
  }

  fatal(): void {
    this.#take();
  }

  #take(): void {
    if (this.isUnruly && this.random.below(2) === 0) throw new UnrulyError('logger');
  }
}

/** Stores numbers with their padding; now and then an unruly one throws for no reason. */
export function simulatedCodec(random: Random, isUnruly: boolean): ValueCodec<number> {
  const mayThrow = (): void => {
    if (isUnruly && random.below(8) === 0) throw new UnrulyError('codec');
  };
  return {
    encode: (value) => {
      mayThrow();
      if (isUnruly && value === UNDECODABLE) return 'undecodable';
      if (value < 0) throw new TypeError('No negative numbers.');
      return padded(value);
    },
    decode: (text) => {
      mayThrow();
      return unpadded(text);
    },
    // Whose decoding throws must not call itself plain.
    plain: !isUnruly,
  };
}
