import { randomInt } from 'node:crypto';
import type { Stamp } from '../storage-adapter.js';

/** Numbers that a prefix is followed by: 27 bits. */
const PER_PREFIX = 2 ** 27;
/** Prefixes there are: 26 bits. 0 is that of rows that no cache has written. */
const PREFIXES = 2 ** 26;

/**
 * The stamps of one process: a random prefix and a counter. No two commits have the same one, and a row's stamp tells which
 * process wrote it last.
 */
export class Stamps {
  readonly #prefixes: number[] = [];
  #next = 0;
  #left = 0;

  next(): Stamp {
    if (this.#left === 0) this.#begin();
    this.#left -= 1;
    const stamp = this.#next;
    this.#next += 1;
    return stamp;
  }

  /** The prefixes that this process has used, in the order of their use: of one prefix, the larger stamp is the later one. */
  get prefixes(): readonly number[] {
    return this.#prefixes;
  }

  /** Whether this process has made `stamp`. */
  isOwn(stamp: Stamp): boolean {
    return this.#prefixes.includes(prefixOf(stamp));
  }

  #begin(): void {
    const prefix = randomInt(1, PREFIXES);
    this.#prefixes.push(prefix);
    this.#next = prefix * PER_PREFIX;
    this.#left = PER_PREFIX;
  }
}

/** The prefix of the process that has made `stamp`; 0 where none has. */
export function prefixOf(stamp: Stamp): number {
  return Math.floor(stamp / PER_PREFIX);
}
