import { isCacheError } from '../../../src/index.js';
import type { SharedDatabase } from './shared-database.js';
import { KEYS_OF, type Where } from './shared-plan.js';
import type { Timeline, Version } from './timeline.js';

/** How things stood when a call began. */
export interface Begun {
  readonly seq: number;
  /** On the clock of the simulation, ms. */
  readonly at: number;
  /** By the wall clock of the process. */
  readonly now: number;
  readonly wallSteps: number;
  readonly suspensions: number;
  /** Whether the process did not know yet that it had been suspended. */
  readonly isWaking: boolean;
  /** How many answers were unconfirmed so far, and what the process had seen of each key. */
  readonly unconfirmed: number;
  readonly floors: ReadonlyMap<string, number>;
  /** Writes of a key by this process that were called so far, and those under way. */
  readonly writes: ReadonlyMap<string, { readonly called: number; readonly open: number }>;
}

/** What a process is like at the moment. */
export interface ProcessState {
  readonly name: string;
  readonly database: SharedDatabase;
  readonly maxStaleMs: number;
  /** For how long memory may answer in all while the database is away, ms. */
  readonly mostStaleMs: number;
  readonly time: () => number;
  readonly now: () => number;
  /** The latest that any process takes the time for. */
  readonly latestNow: () => number;
  readonly wallSteps: () => number;
  readonly suspensions: () => number;
  readonly isWaking: () => boolean;
  readonly unconfirmed: () => number;
  /** Whether the database, or the logs in it, may have been out of its reach at some time since. */
  readonly wasAwaySince: (time: number) => boolean;
  readonly broken: (what: string) => void;
  readonly onStale: () => void;
  /** A read was answered by memory that nobody could confirm. */
  readonly onUnconfirmed: () => void;
}

/** How old a read may be: of some time of the call, or as the promise of freshness says. */
export type Bound = 'now' | 'fresh enough';

/**
 * What one process has seen of each key, in versions: the oracle of reads. A process never goes back, sees its own writes
 * at once, and those of others when they are so old that memory may not answer without them.
 */
export class SeenVersions {
  readonly #floors = new Map<string, number>();
  readonly #writes = new Map<string, { called: number; open: number }>();

  constructor(private readonly process: ProcessState) {
    for (const [where, keys] of Object.entries(KEYS_OF))
      for (const key of keys) this.#writes.set(`${where} ${key}`, { called: 0, open: 0 });
  }

  begin(): Begun {
    const { process } = this;
    return {
      seq: process.database.next(),
      at: process.time(),
      now: process.now(),
      wallSteps: process.wallSteps(),
      suspensions: process.suspensions(),
      isWaking: process.isWaking(),
      unconfirmed: process.unconfirmed(),
      floors: new Map(this.#floors),
      writes: new Map(Array.from(this.#writes, ([name, counts]) => [name, { ...counts }])),
    };
  }

  /** Keys are written to until `over` is called. */
  writing(where: Where, keys: readonly string[]): () => void {
    const counts = keys.map((key) => this.#writes.get(`${where} ${key}`));
    for (const count of counts) {
      if (count === undefined) continue;
      count.called += 1;
      count.open += 1;
    }
    return () => {
      for (const count of counts) if (count !== undefined) count.open -= 1;
    };
  }

  /** Whether a write was the only one of this process on its key: others may be folded with it. */
  isAlone(begun: Begun, where: Where, key: string): boolean {
    const before = begun.writes.get(`${where} ${key}`);
    const now = this.#writes.get(`${where} ${key}`);
    return before?.open === 1 && now?.called === before.called;
  }

  /** A call has shown a version of a key that `fits`. */
  show(
    begun: Begun,
    [where, key]: readonly [Where, string],
    fits: (version: Version) => boolean,
    bound: Bound,
    what: string,
  ): void {
    const timeline = this.process.database.timeline(where, key);
    const floor = begun.floors.get(`${where} ${key}`) ?? 0;
    const found = timeline.find(Math.max(floor, this.#first(timeline, begun, bound)), fits);
    if (found >= 0) {
      if (found < timeline.indexAt(begun.seq)) this.process.onStale();
      this.reached(where, key, found);
      return;
    }
    const older = timeline.find(0, fits);
    const reason =
      older < 0
        ? 'it has never been that'
        : older < floor
          ? 'this process had seen something newer'
          : 'it was changed too long ago';
    this.process.broken(`${where} ${key} shows ${what}: ${reason}`);
  }

  /** The process has seen a version, and does not go back behind it. */
  reached(where: Where, key: string, index: number): void {
    const name = `${where} ${key}`;
    this.#floors.set(name, Math.max(index, this.#floors.get(name) ?? 0));
  }

  /** The index of what this process has committed of a key since a call began; -1 for nothing. */
  own(begun: Begun, where: Where, key: string, fits: (version: Version) => boolean = () => true): number {
    const timeline = this.process.database.timeline(where, key);
    return timeline.find(
      timeline.indexAt(begun.seq) + 1,
      (version) => version.by === this.process.name && fits(version),
    );
  }

  /** Whether a version counts as absent by some clock. */
  isAbsent(version: Version): boolean {
    return (
      version.text === null || (version.expiresAt !== null && version.expiresAt <= this.process.latestNow())
    );
  }

  /** Whether it counts as present by the clock of the process. */
  isPresent(begun: Begun, version: Version): boolean {
    if (version.text === null) return false;
    const hasStepped = begun.wallSteps !== this.process.wallSteps();
    return version.expiresAt === null || hasStepped || version.expiresAt > begun.now;
  }

  /** Whether there is a reason for a call to reject. */
  assertMayReject(begun: Begun, error: unknown, codes: readonly string[], what: string): void {
    if (!codes.some((code) => isCacheError(error, code as never)))
      this.process.broken(`${what} rejects with ${String(error)}`);
    else if (!this.#isExcused(begun, 0))
      this.process.broken(`${what} rejects though the database is in reach: ${String(error)}`);
  }

  #first(timeline: Timeline, begun: Begun, bound: Bound): number {
    const { maxStaleMs, mostStaleMs, unconfirmed } = this.process;
    if (bound === 'now') return timeline.indexAt(begun.seq);
    // Nothing of it has run meanwhile, and what ends the freshness of memory has not yet.
    if (begun.isWaking) return 0;
    const isUnconfirmed = unconfirmed() > begun.unconfirmed && this.#isExcused(begun, maxStaleMs);
    if (isUnconfirmed) this.process.onUnconfirmed();
    return timeline.lastBefore(begun.at - (isUnconfirmed ? mostStaleMs : maxStaleMs), this.process.name);
  }

  #isExcused(begun: Begun, beforeMs: number): boolean {
    const { process } = this;
    return (
      begun.isWaking ||
      begun.suspensions !== process.suspensions() ||
      process.wasAwaySince(begun.at - beforeMs)
    );
  }
}
