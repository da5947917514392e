import { CacheError } from '../../core/cache-error.js';
import type { CacheInspection } from '../../core/inspection/cache-inspection.js';
import type { InspectedListing } from '../../core/inspection/entry-inspection.js';
import { placeOfText, textOfPlace } from '../../core/inspection/place.js';
import { keysFrom } from '../../core/keys/key-range.js';
import { Refusal } from '../http/refusal.js';
import type { EntryView, EntryViews, ListedEntryView } from './entry-view.js';

const LIMIT = { usual: 50, most: 200 };
/** Of a stored key, characters: longer ones are looked for by nobody. */
const MOST_CHARACTERS = 4096;

export interface EntriesPage {
  readonly entries: readonly ListedEntryView[];
  readonly next?: string;
  /** Rows that have no text for a key. */
  readonly keyless?: { readonly count: number; readonly example: string };
}

/** Looks entries up as a query asks for them. */
export class EntryReader {
  constructor(
    private readonly inspection: CacheInspection,
    private readonly views: EntryViews,
  ) {}

  async page(query: URLSearchParams): Promise<EntriesPage> {
    const { entries } = this.#namespace(query);
    const key = query.get('key');
    if (key !== null && key !== '') {
      const found = await entries.entry(storable(key));
      return { entries: found === undefined ? [] : [this.views.listed(found)] };
    }
    const { entries: found, next, keyless } = await entries.page(listingOf(query));
    return {
      entries: found.map((entry) => this.views.listed(entry)),
      ...(next && { next: textOfPlace(next) }),
      ...(keyless && keyless.count > 0 && { keyless: { count: keyless.count, example: keyless.example } }),
    };
  }

  async entry(query: URLSearchParams): Promise<EntryView> {
    const { definition } = this.#namespace(query);
    return this.of(definition.name, query.get('key') ?? '');
  }

  /** Rejects with `NO_ENTRY` where there is none. */
  async of(namespace: string, key: string): Promise<EntryView> {
    const { definition, entries } = this.inspection.namespace(namespace);
    const found = await entries.entry(storable(key));
    if (found === undefined) throw noEntry();
    return this.views.whole(found, definition);
  }

  #namespace(query: URLSearchParams): ReturnType<CacheInspection['namespace']> {
    return this.inspection.namespace(query.get('namespace') ?? '');
  }
}

export function noEntry(): Refusal {
  return new Refusal(404, 'NO_ENTRY', 'There is no such entry, or no longer.');
}

/** A stored key as it was asked for. Throws `INVALID_KEY` for what no database stores. */
export function storable(key: string): string {
  if (key === '') throw invalid('The key is empty');
  return wellFormed(key, 'key');
}

function wellFormed(text: string, what: string): string {
  if (text.includes('\0')) throw invalid(`The ${what} holds a NUL character`);
  if (!text.isWellFormed()) throw invalid(`The ${what} holds half of a surrogate pair`);
  if (text.length > MOST_CHARACTERS)
    throw invalid(`The ${what} is longer than ${MOST_CHARACTERS} characters`);
  return text;
}

function listingOf(query: URLSearchParams): InspectedListing {
  const asked = query.get('limit');
  const limit = asked === null ? LIMIT.usual : Number(asked);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT.most)
    throw new CacheError('INVALID_OPTION', `'limit' must be a whole number from 1 to ${LIMIT.most}.`, {
      option: 'limit',
    });
  const after = query.get('after');
  return {
    range: keysFrom(wellFormed(query.get('prefix') ?? '', 'prefix')),
    after: after === null || after === '' ? undefined : placeOfText(after),
    limit,
  };
}

function invalid(what: string): CacheError {
  return new CacheError('INVALID_KEY', `${what}: no key is stored like that.`);
}
