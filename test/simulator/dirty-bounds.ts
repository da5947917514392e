import type { CacheStats } from '../../src/core/engine/cache-engine.js';
import { MAX_WIDTH, padded } from './padding.js';
import { BACK, type Plan } from './plan.js';
import type { SimulatedStorage } from './simulated-storage.js';
import type { Witness } from './witness.js';

/** A rename takes two places where it found one, and a clear counts as a write of its own for each namespace. */
const SLACK = 1 + BACK.length;

/** What the engine counts for each character. */
const BYTES_PER_CHARACTER = 2;
const MAX_VALUE_BYTES = MAX_WIDTH * BYTES_PER_CHARACTER;

/** The oracle of bounded memory: how much of the write-back namespaces the database does not have. */
export class DirtyBounds {
  #seen = -1;
  /** Whether the database may have refused something: as much as may be dirty is kept of it besides. */
  #mayBeRefused = false;

  constructor(
    private readonly plan: Plan,
    private readonly witnesses: readonly Witness[],
    private readonly simulated: SimulatedStorage,
  ) {}

  /** Throws when more than `maxDirty` entries are dirty. */
  assertCount(stats: CacheStats): void {
    const sum = (figure: 'dirty' | 'dirtyBytes' | 'refused'): number =>
      BACK.reduce((total, name) => total + (stats[name]?.[figure] ?? 0), 0);
    const refused = sum('refused');
    this.#mayBeRefused ||= refused > 0;
    // What the database refuses is bounded apart, as much.
    const dirty = sum('dirty') - Math.min(refused, this.plan.maxDirty);
    if (dirty > this.plan.maxDirty + SLACK) throw new Error(`${dirty} entries are unwritten.`);
    const counted = sum('dirtyBytes');
    this.#assertBytes(counted);
    const least = this.#leastBytes() ?? 0;
    if (counted < least) throw new Error(`${least} bytes are unwritten, and ${counted} are counted.`);
  }

  /** The database refuses entries from now on. */
  expectRefusals(): void {
    this.#mayBeRefused = true;
  }

  /** Throws when more than `maxDirtyBytes`, and one value, are dirty. */
  assertBytes(): void {
    const seen = this.witnesses.reduce((sum, witness) => sum + witness.endings, this.simulated.commits);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#assertBytes(this.#leastBytes() ?? 0);
  }

  /** Whether what the database refuses may take up all the room there is. */
  isFullOfRefused(stats: CacheStats): boolean {
    const refused = BACK.reduce((sum, name) => sum + (stats[name]?.refused ?? 0), 0);
    return (
      refused >= this.plan.maxDirty ||
      (refused > 0 && (refused + 1) * MAX_VALUE_BYTES >= this.plan.maxDirtyBytes)
    );
  }

  /** Throws when anything is dirty or waits. */
  assertNothingLeft(stats: CacheStats): void {
    for (const [name, { dirty, waiting, dirtyBytes, waitingBytes }] of Object.entries(stats)) {
      if (dirty === 0 && waiting === 0 && dirtyBytes === 0 && waitingBytes === 0) continue;
      throw new Error(
        `${name}: at rest ${dirty} entries (${dirtyBytes} bytes) are dirty, and ${waiting} calls (${waitingBytes} bytes) wait.`,
      );
    }
  }

  #assertBytes(bytes: number): void {
    const parts = this.#mayBeRefused ? 2 : 1;
    if (bytes > parts * (this.plan.maxDirtyBytes + MAX_VALUE_BYTES))
      throw new Error(`${bytes} bytes are unwritten.`);
  }

  /**
   * The bytes of the acknowledged values that the database does not have: the least that is dirty, as nobody outside
   * the engine knows whether a value that is there already is to be written again. `undefined` when nobody knows.
   */
  #leastBytes(): number | undefined {
    let bytes = 0;
    for (const witness of this.witnesses) {
      // Another process may have written what is new to this one.
      if (witness.calls === 0) continue;
      const state = witness.acknowledged();
      if (state === undefined) return undefined;
      const texts = this.simulated.texts.get(witness.name);
      for (const [key, { value }] of state) {
        const text = padded(value);
        if (texts?.get(key) !== text && !witness.isOpen(key)) bytes += text.length * BYTES_PER_CHARACTER;
      }
    }
    return bytes;
  }
}
