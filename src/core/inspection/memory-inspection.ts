import type { Clock } from '../clock.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { EntryStore } from '../entries/entry-store.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type {
  EntryInspection,
  InspectedDetails,
  InspectedEntry,
  InspectedListing,
  InspectedPage,
} from './entry-inspection.js';
import { keysBehind } from './keys-behind.js';
import { MOST_CHARACTERS } from './limits.js';
import { keyStoredAs } from './stored-keys.js';

export interface MemoryInspectionOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly store: EntryStore<V>;
  readonly clock: Clock;
}

/** The entries of a namespace that has no rows. */
export class MemoryInspection<V> implements EntryInspection {
  constructor(private readonly options: MemoryInspectionOptions<V>) {}

  async page({ range, after, limit }: InspectedListing): Promise<InspectedPage> {
    const { store, keys, clock } = this.options;
    // Fixed now: the LRU's order changes with each read.
    const all = Array.from(store.keys());
    const { found, isAll } = await keysBehind(all, { keys, clock, range, after: after?.key, limit });
    const entries: InspectedEntry[] = [];
    let characters = 0;
    for (const [i, { key, text }] of found.entries()) {
      const entry = this.#inspected(key, text);
      if (entry === undefined) continue;
      entries.push(entry);
      characters += entry.text?.length ?? 0;
      if (characters > MOST_CHARACTERS && i + 1 < found.length)
        return { entries, next: { key: text, cursor: undefined }, keyless: undefined };
    }
    const last = found.at(-1);
    const next = isAll || last === undefined ? undefined : { key: last.text, cursor: undefined };
    return { entries, next, keyless: undefined };
  }

  async entry(text: string): Promise<InspectedDetails | undefined> {
    const key = this.options.keys.parse(text);
    const entry = key === undefined ? undefined : this.#inspected(key, text);
    return entry && { ...entry, stamp: null, writtenAt: null };
  }

  keyOf(text: string): unknown {
    return keyStoredAs(text, this.options);
  }

  #inspected(key: MemoryKey, text: string): InspectedEntry | undefined {
    const { store, definition } = this.options;
    const held = store.peek(key);
    if (held === undefined) return undefined;
    return {
      key: text,
      text: encoded(held, definition),
      held,
      expiresAt: store.expiresAt(key),
      isInMemory: true,
      isDirty: false,
      fault: undefined,
    };
  }
}

/** `MEMORY_ONLY` keeps the very object it was given, whatever it is. */
function encoded<V>(
  value: V,
  { value: codec }: Pick<NamespaceDefinition<unknown, V>, 'value'>,
): string | undefined {
  try {
    const text: unknown = codec.encode(value);
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}
