import type { Clock } from '../../src/core/clock.js';
import type { RescueJournal } from '../../src/core/rescue/rescue-journal.js';
import type { Atom, AtomOutcome, CacheStorageAdapter, Commit } from '../../src/index.js';
import type { Sabotage } from './history.js';
import type { EngineParts } from './engine-parts.js';
import type { Scheduler } from './scheduler.js';

/** `target` with other methods in some places. */
function wrapped<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (inner, name) => {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name) as unknown;
      const member: unknown = Reflect.get(inner, name);
      return typeof member === 'function' ? (member.bind(inner) as unknown) : member;
    },
  });
}

/** A storage with other methods, made anew for each process. */
export function storageWith(
  methods: (inner: CacheStorageAdapter, scheduler: Scheduler) => Partial<CacheStorageAdapter>,
): Sabotage {
  return (parts, scheduler) => ({
    ...parts,
    storage: wrapped(parts.storage, methods(parts.storage, scheduler)),
  });
}

/** A storage whose `write` is another one. */
export function writing(
  write: (
    inner: CacheStorageAdapter,
    atoms: readonly Atom[],
    commit: Commit,
  ) => Promise<readonly AtomOutcome[]>,
): Sabotage {
  return storageWith((inner) => ({ write: (atoms, commit) => write(inner, atoms, commit) }));
}

export function journalWith(methods: (inner: RescueJournal) => Partial<RescueJournal>): Sabotage {
  return (parts) => ({ ...parts, journal: wrapped(parts.journal, methods(parts.journal)) });
}

export function clockWith(methods: (inner: Clock) => Partial<Clock>): Sabotage {
  return (parts) => ({ ...parts, clock: wrapped(parts.clock, methods(parts.clock)) });
}

/** An engine that takes other options for those it was given. */
export function heeding(
  change: (options: EngineParts['options']) => Partial<EngineParts['options']>,
): Sabotage {
  return (parts) => ({ ...parts, options: { ...parts.options, ...change(parts.options) } });
}
