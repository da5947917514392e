import { contains, EVERY_KEY, isWithin, type KeyRange } from '../keys/key-range.js';
import type { KeyWrite } from './replay-rules.js';
import type { RescuedWrite } from './rescue-journal.js';

/** A write that removes all keys of a namespace, or those in a range. */
export type Removal = Exclude<RescuedWrite, KeyWrite>;

/** What a journal holds of one namespace. */
export interface ReplayedNamespace {
  readonly namespace: string;
  /** No two of them overlap. */
  readonly removals: readonly Removal[];
  /** The last write of each key, in lists of those that must be written together. */
  readonly atoms: readonly (readonly KeyWrite[])[];
}

/** What writes, in the order in which they took effect, come to: a removal makes void what came before it. */
export function byNamespace(writes: readonly RescuedWrite[]): ReplayedNamespace[] {
  const found = new Map<string, { removals: Removal[]; last: Map<string, KeyWrite> }>();
  for (const write of writes) {
    const of = found.get(write.namespace) ?? { removals: [], last: new Map<string, KeyWrite>() };
    found.set(write.namespace, of);
    if ('key' in write) {
      of.last.set(write.key, write);
      continue;
    }
    const range = rangeOf(write);
    for (const key of of.last.keys()) if (isWithin(key, range)) of.last.delete(key);
    of.removals = [...of.removals.filter((removal) => !contains(range, rangeOf(removal))), write];
  }
  return [...found].map(([namespace, { removals, last }]) => ({
    namespace,
    removals,
    atoms: atomsOf(last.values()),
  }));
}

export function rangeOf(removal: Removal): KeyRange {
  return removal.op === 'clear' ? EVERY_KEY : removal.range;
}

function atomsOf(writes: Iterable<KeyWrite>): KeyWrite[][] {
  const atoms: KeyWrite[][] = [];
  const tied = new Map<number, KeyWrite[]>();
  for (const write of writes) {
    const known = write.atom === undefined ? undefined : tied.get(write.atom);
    if (known !== undefined) {
      known.push(write);
      continue;
    }
    const atom = [write];
    atoms.push(atom);
    if (write.atom !== undefined) tied.set(write.atom, atom);
  }
  return atoms;
}
