import { CacheError, isCacheError } from '../../core/cache-error.js';
import type { CacheEngine } from '../../core/engine/cache-engine.js';
import type { InspectedNamespace } from '../../core/inspection/cache-inspection.js';
import { noEntry } from '../entries/entry-reader.js';
import type { EntryViews } from '../entries/entry-view.js';
import { Refusal } from '../http/refusal.js';
import type { InspectorBehaviour } from '../inspector-options.js';

/** What an edit is to do. */
export interface Edit {
  /** The stored key. */
  readonly key: string;
  /** The new value, as its codec reads it. */
  readonly text: string;
  /** Of the value that it is to take the place of; `undefined` for whatever there is. */
  readonly version: string | undefined;
}

/** Gives entries other values. */
export class EntryEdits {
  constructor(
    private readonly engine: CacheEngine,
    private readonly views: EntryViews,
    private readonly options: Pick<InspectorBehaviour, 'values'>,
  ) {}

  /** The expiry stays. Rejects with `NO_ENTRY`, `CONFLICT`, or what the codec or the database refuses. */
  async make(edit: Edit, namespace: InspectedNamespace): Promise<void> {
    const { definition, entries } = namespace;
    const key = entries.keyOf(edit.key);
    const value = this.#decoded(edit.text, namespace);
    try {
      await this.engine.namespace(definition).update(key, (current: unknown) => {
        if (current === undefined) throw edit.version === undefined ? noEntry() : conflict();
        this.#assertSame(edit, () => this.views.versionOfValue(edit.key, current, definition));
        return value;
      });
    } catch (error) {
      if (!isCacheError(error, 'UNREADABLE_ENTRY')) throw error;
      await this.#replace(edit, key, value, namespace);
    }
  }

  /** No write builds on a row that does not decode: it is replaced, if it is still the one that was shown. */
  async #replace(
    edit: Edit,
    key: unknown,
    value: unknown,
    { definition, entries }: InspectedNamespace,
  ): Promise<void> {
    const entry = await entries.entry(edit.key);
    if (entry?.fault === undefined) throw conflict();
    this.#assertSame(edit, () => this.views.versionOf(entry, definition));
    const { expiresAt } = entry;
    const left = expiresAt === null ? null : Math.max(1, expiresAt - this.engine.inspection.clock.now());
    await this.engine.namespace(definition).set(key, value, { ttlMs: left });
  }

  #assertSame({ version }: Edit, current: () => string | undefined): void {
    if (version !== undefined && version !== current()) throw conflict();
  }

  #decoded(text: string, { definition }: InspectedNamespace): unknown {
    let value: unknown;
    try {
      value = definition.value.decode(text);
    } catch (cause) {
      // What a codec throws may quote what it was given.
      const why = this.options.values && cause instanceof Error ? ` ${cause.message}` : '';
      throw new CacheError('INVALID_VALUE', `The text does not decode.${why}`, {
        namespace: definition.name,
        cause,
      });
    }
    if (value !== undefined) return value;
    throw new CacheError('INVALID_VALUE', 'The text decodes to undefined, which is no value.', {
      namespace: definition.name,
    });
  }
}

function conflict(): Refusal {
  return new Refusal(
    409,
    'CONFLICT',
    'The entry is another one by now than the one that was edited. Look at it again.',
  );
}
