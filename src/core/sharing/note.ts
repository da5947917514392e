import { EVERY_KEY, isEvery, keysFrom, type KeyRange } from '../keys/key-range.js';
import type { RowWrite, Stamp } from '../storage-adapter.js';

/** The format of the notes that this version writes, and the only one that it reads. */
const FORMAT = 1;

/**
 * Characters of a note, which are at most 12 MiB: one that would be longer, of tens of thousands of long keys, names none. What a
 * group commit writes stays far below.
 */
const MAX_CHARACTERS = 2 ** 22;

/** What a commit has changed in one namespace: the rows of these keys, or all those of a range. */
export type Changes = readonly string[] | KeyRange;

/** {@link Changes} as they are written: `true` for every row. */
type Written = readonly string[] | true | { readonly prefix: string };

/** What a commit has changed. */
export interface Note {
  /** The stamp that the commit has left in its rows. */
  readonly stamp: Stamp;
  readonly changes: ReadonlyMap<string, Changes>;
}

/**
 * The text of the note of a commit that has written `rows`. It may name more than was written: to forget a key needlessly costs
 * a query. `{"v":1,"s":<stamp>,"c":{"<namespace>":["<key>",…]}}`, so that a database can put it together, too.
 */
export function noteOfRows(stamp: Stamp, rows: readonly Pick<RowWrite, 'namespace' | 'key'>[]): string {
  const keys = new Map<string, string[]>();
  for (const { namespace, key } of rows) {
    const some = keys.get(namespace);
    if (some === undefined) keys.set(namespace, [key]);
    else some.push(key);
  }
  const text = textOf(stamp, keys);
  if (text.length <= MAX_CHARACTERS) return text;
  return textOf(
    stamp,
    [...keys.keys()].map((namespace) => [namespace, true]),
  );
}

/** The text of the note of a commit that has removed the rows of a range. */
export function noteOfRemoval(stamp: Stamp, namespace: string, range: KeyRange): string {
  const { prefix, isWhole } = range;
  return textOf(stamp, [[namespace, isWhole ? [prefix] : isEvery(range) || { prefix }]]);
}

function textOf(stamp: Stamp, changes: Iterable<readonly [string, Written]>): string {
  // As entries: a namespace may be called __proto__.
  return JSON.stringify({ v: FORMAT, s: stamp, c: Object.fromEntries(changes) });
}

/** What a note says; `undefined` where it is of another format, and anything may have been changed. */
export function readNote(text: string): Note | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { v, s, c } = Object(read) as { readonly v?: unknown; readonly s?: unknown; readonly c?: unknown };
  if (v !== FORMAT || !Number.isSafeInteger(s) || typeof c !== 'object' || c === null) return undefined;
  const changes = new Map<string, Changes>();
  for (const [namespace, written] of Object.entries(c)) {
    const some = changesIn(written);
    if (some === undefined) return undefined;
    changes.set(namespace, some);
  }
  return { stamp: s as Stamp, changes };
}

/** The keys of a namespace whose rows a commit has written, as its note says; `undefined` where it does not name each of them. */
export function keysNamedBy({ changes }: Note, namespace: string): ReadonlySet<string> | undefined {
  const some = changes.get(namespace) ?? [];
  return 'prefix' in some ? undefined : new Set(some);
}

function changesIn(written: unknown): Changes | undefined {
  if (written === true) return EVERY_KEY;
  if (Array.isArray(written)) return written.every((key) => typeof key === 'string') ? written : undefined;
  const { prefix } = Object(written) as { readonly prefix?: unknown };
  return typeof prefix === 'string' ? keysFrom(prefix) : undefined;
}
