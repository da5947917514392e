import type { LoadWatch } from '../../../src/core/entries/in-flight.js';
import { PersistedEntries } from '../../../src/core/entries/persisted-entries.js';
import { LogReader } from '../../../src/core/sharing/log-reader.js';
import type { LogHead } from '../../../src/core/sharing/shared-storage.js';
import type { CacheStorageAdapter } from '../../../src/core/storage-adapter.js';

/** What a simulation has to see of an engine, by the storage that the engine was given: the application sees none of it. */
export interface Insides {
  reader: LogReader | undefined;
  readonly memories: Set<PersistedEntries<unknown>>;
}

const insides = new WeakMap<CacheStorageAdapter, Insides>();

export function insidesOf(storage: CacheStorageAdapter): Insides {
  let found = insides.get(storage);
  if (found === undefined) {
    found = { reader: undefined, memories: new Set() };
    insides.set(storage, found);
  }
  return found;
}

/** The storage of a part of an engine, which the part keeps to itself. */
function storageOf(part: object): CacheStorageAdapter {
  return Reflect.get(part, 'storage') as CacheStorageAdapter;
}

const watch = Reflect.get(PersistedEntries.prototype, 'watch');
PersistedEntries.prototype.watch = function see(this: PersistedEntries<unknown>): LoadWatch {
  insidesOf(storageOf(Reflect.get(this, 'options') as object)).memories.add(this);
  return watch.call(this);
};

const begin = Reflect.get(LogReader.prototype, 'begin');
LogReader.prototype.begin = function see(this: LogReader): Promise<readonly LogHead[]> {
  insidesOf(storageOf(this)).reader = this;
  return begin.call(this);
};
