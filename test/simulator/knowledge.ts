import { PersistedEntries } from '../../src/core/entries/persisted-entries.js';
import type { LoadWatch } from '../../src/core/entries/in-flight.js';

/** The memories of the engines that are alive: each is seen when it is first loaded. */
const seen = new Set<PersistedEntries<unknown>>();

const watch = Reflect.get(PersistedEntries.prototype, 'watch');
PersistedEntries.prototype.watch = function see(this: PersistedEntries<unknown>): LoadWatch {
  seen.add(this);
  return watch.call(this);
};

/** Forgets the memories of a life that is over. */
export function forgetMemories(): void {
  seen.clear();
}

/** Throws where what an engine knows contradicts what it has in memory. */
export function assertKnowledgeHolds(): void {
  for (const entries of seen) entries.assertConsistent();
}
