import { isWithin, type KeyRange } from '../../../src/core/keys/key-range.js';
import type { Atom, AtomOutcome, LogPosition } from '../../../src/core/storage-adapter.js';
import { InMemoryStorage } from '../../../src/storage/in-memory-storage.js';
import type { Chronicle } from '../chronicle.js';
import type { Scheduler } from '../scheduler.js';
import { KEYS_OF, type Where } from './shared-plan.js';
import { Timeline } from './timeline.js';

/** A removal of a range that was committed. */
export interface Removal {
  readonly seq: number;
  readonly by: string;
  readonly removed: number;
}

/** The database that the processes of a simulation share: its rows and logs, and what has ever been committed to it. */
export class SharedDatabase {
  readonly rows = new InMemoryStorage();
  readonly #timelines = new Map(
    Object.entries(KEYS_OF).map(([where, keys]) => [
      where,
      new Map<string, Timeline>(keys.map((key) => [key, new Timeline()])),
    ]),
  );
  readonly removals: Removal[] = [];
  /** Places of notes in a format that nobody here knows. */
  readonly #foreign = new Set<string>();
  #seq = 0;
  /** Counts what was written to the database in any way. */
  changes = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly chronicle: Chronicle,
  ) {}

  /** Something happens: gives its place among all that does. */
  next(): number {
    return (this.#seq += 1);
  }

  timeline(where: string, key: string): Timeline {
    return this.#timelines.get(where)?.get(key) as Timeline;
  }

  /** Notes what has committed of `atoms`: those in conflict have changed nothing. */
  written(by: string, atoms: readonly Atom[], outcomes: readonly AtomOutcome[]): void {
    const seq = this.next();
    const rows = atoms.filter((_, i) => outcomes[i]?.kind === 'committed').flat();
    for (const { namespace, key, value = null, expiresAt } of rows)
      this.#put(namespace, key, { text: value, expiresAt, by, seq });
    const texts = rows.map(({ key, value }) => (value === undefined ? `${key} gone` : `${key}=${value}`));
    this.chronicle.note(`   ${by} committed: ${texts.join(', ') || 'nothing'}`);
  }

  cleared(by: string, namespace: string, range: KeyRange, removed: number): void {
    const seq = this.next();
    for (const key of KEYS_OF[namespace as Where])
      if (isWithin(key, range)) this.#put(namespace, key, { text: null, expiresAt: null, by, seq });
    this.removals.push({ seq, by, removed });
    this.chronicle.note(`   ${by} committed: ${namespace} ${range.prefix}… gone`);
  }

  /** The note at this place is in a format that nobody here knows. */
  writeForeign({ writer, n }: LogPosition): void {
    this.#foreign.add(`${writer} ${n}`);
  }

  isForeign({ writer, n }: LogPosition): boolean {
    return this.#foreign.has(`${writer} ${n}`);
  }

  #put(
    namespace: string,
    key: string,
    version: { text: string | null; expiresAt: number | null; by: string; seq: number },
  ): void {
    this.timeline(namespace, key).versions.push({ ...version, at: this.scheduler.monotonic() });
  }
}
