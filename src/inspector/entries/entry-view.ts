import type { NamespaceDefinition } from '../../core/definition/namespace-definition.js';
import type { EntryFault, InspectedDetails, InspectedEntry } from '../../core/inspection/entry-inspection.js';
import type { InspectorBehaviour } from '../inspector-options.js';
import { printable } from '../printable.js';
import type { EntryVersions } from './entry-versions.js';
import {
  beginningOf,
  canonicalText,
  MOST_CHARACTERS,
  previewOf,
  readableText,
  shownObject,
} from './value-text.js';

/** An entry in a list, as the page gets it. */
export interface ListedEntryView {
  readonly key: string;
  /** Of the encoded value; `null` where it has none. */
  readonly bytes: number | null;
  readonly expiresAt: number | null;
  readonly inMemory: boolean;
  readonly dirty: boolean;
  readonly unreadable: boolean;
  readonly preview?: string;
}

/** One entry, as the page gets it. */
export interface EntryView extends Omit<ListedEntryView, 'preview'> {
  readonly level: string;
  readonly stamp: number | null;
  readonly writtenAt: number | null;
  /** Why it does not decode. */
  readonly reason?: string;
  readonly value?: string;
  readonly truncated?: true;
  readonly editable: boolean;
  /** Of the value: an edit says by it which one it is about. */
  readonly version: string;
}

/** Most characters of a reason. */
const MOST_OF_REASON = 300;

/** Shows entries as far as the options allow. */
export class EntryViews {
  constructor(
    private readonly options: Pick<InspectorBehaviour, 'values' | 'actions'>,
    private readonly versions: EntryVersions,
  ) {}

  listed(entry: InspectedEntry): ListedEntryView {
    const { text } = entry;
    const preview = text === undefined ? shownHeld(entry, true) : text;
    return {
      ...common(entry),
      ...(this.options.values && preview !== undefined && { preview: previewOf(preview) }),
    };
  }

  whole(entry: InspectedDetails, definition: NamespaceDefinition): EntryView {
    const { text, fault, stamp, writtenAt } = entry;
    const isLong = (text?.length ?? 0) > MOST_CHARACTERS;
    const hasNoText = text === undefined && fault === undefined;
    return {
      ...common(entry),
      level: definition.persistence,
      stamp,
      writtenAt,
      ...(fault && { reason: this.#reason(fault, definition) }),
      ...(this.options.values && this.#value(entry, definition)),
      editable: this.options.actions && !isLong && !hasNoText && fault?.of !== 'key',
      version: this.versionOf(entry, definition),
    };
  }

  /** What the version of an entry is made of: the value, however its text is written. */
  versionOf({ key, text, fault }: InspectedEntry, { name, value: codec }: NamespaceDefinition): string {
    if (fault !== undefined) return this.versions.of(name, key, `unreadable ${text ?? ''}`);
    return this.versions.of(name, key, canonicalText(text ?? '', codec));
  }

  /** The same of a value, as its codec encodes it; `undefined` where that can't, which no version is. */
  versionOfValue(
    key: string,
    value: unknown,
    { name, value: codec }: NamespaceDefinition,
  ): string | undefined {
    try {
      return this.versions.of(name, key, codec.encode(value));
    } catch {
      return undefined;
    }
  }

  #value(
    entry: InspectedDetails,
    { value: codec }: NamespaceDefinition,
  ): Pick<EntryView, 'value' | 'truncated'> {
    const text = entry.text ?? shownHeld(entry, false);
    if (text === undefined) return {};
    if (text.length > MOST_CHARACTERS) return { value: beginningOf(text, MOST_CHARACTERS), truncated: true };
    return {
      value: entry.text === undefined || entry.fault !== undefined ? text : readableText(text, codec),
    };
  }

  #reason({ of, cause }: EntryFault, { key }: NamespaceDefinition): string {
    if (of === 'key') return `No key of this namespace is stored as this text: each is ${key.expects}.`;
    // What a codec throws may quote what it was given.
    const why = this.options.values && cause instanceof Error ? ` ${cause.message}` : '';
    return beginningOf(printable(`The stored value does not decode.${why}`), MOST_OF_REASON);
  }
}

function common({
  key,
  text,
  expiresAt,
  isInMemory,
  isDirty,
  fault,
}: InspectedEntry): Omit<ListedEntryView, 'preview'> {
  return {
    key,
    bytes: text === undefined ? null : Buffer.byteLength(text),
    expiresAt,
    inMemory: isInMemory,
    dirty: isDirty,
    unreadable: fault !== undefined,
  };
}

function shownHeld(entry: InspectedEntry, isPreview: boolean): string | undefined {
  return 'held' in entry ? shownObject(entry.held, isPreview) : undefined;
}
