import { isWithin, type KeyRange } from '../../../src/core/keys/key-range.js';
import type { Atom, AtomOutcome, LogPosition } from '../../../src/core/storage-adapter.js';
import { InMemoryStorage } from '../../../src/storage/in-memory-storage.js';
import type { Chronicle } from '../chronicle.js';
import type { Scheduler } from '../scheduler.js';
import { KEYS_OF, type Where } from './shared-plan.js';
import { Timeline, type Version } from './timeline.js';

/** The database that the processes of a simulation share: its rows and logs, and what has ever been committed to it. */
export class SharedDatabase {
  readonly rows = new InMemoryStorage();
  readonly #timelines = new Map(
    Object.entries(KEYS_OF).map(([where, keys]) => [
      where,
      new Map<string, Timeline>(keys.map((key) => [key, new Timeline()])),
    ]),
  );
  /** How many removals of a range each process has asked for, less those that were committed. */
  readonly #removalsLeft = new Map<string, number>();
  /** Places of notes in a format that nobody here knows. */
  readonly #foreign = new Set<string>();
  #seq = 0;
  /** Counts what was written to the database in any way. */
  changes = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly chronicle: Chronicle,
    private readonly broken: (what: string) => void,
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

  /** A process calls for the removal of a range, which is to happen once at most. */
  removing(by: string): void {
    this.#removalsLeft.set(by, (this.#removalsLeft.get(by) ?? 0) + 1);
  }

  cleared(by: string, namespace: string, range: KeyRange): void {
    const seq = this.next();
    for (const key of KEYS_OF[namespace as Where])
      if (isWithin(key, range)) this.#put(namespace, key, { text: null, expiresAt: null, by, seq });
    const left = (this.#removalsLeft.get(by) ?? 0) - 1;
    this.#removalsLeft.set(by, left);
    if (left < 0) this.broken(`${by} has removed ${namespace} ${range.prefix}… twice`);
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
    const { versions } = this.timeline(namespace, key);
    if (version.text !== null && this.#isMadeAgain(namespace, key, version.text))
      this.broken(`${version.by} has put ${version.text} into ${namespace} ${key} twice`);
    versions.push({ ...version, at: this.scheduler.monotonic() });
  }

  /** Whether a value comes back after another one. No two calls put the same, and only a rename brings one back. */
  #isMadeAgain(namespace: string, key: string, text: string): boolean {
    if (namespace !== 'entries') return false;
    const has = (version: Version): boolean => version.text === text;
    const { versions } = this.timeline(namespace, key);
    const first = versions.findIndex(has);
    if (first < 0 || versions.slice(first).every(has)) return false;
    return !KEYS_OF.entries.some(
      (other) => other !== key && this.timeline(namespace, other).versions.some(has),
    );
  }
}
