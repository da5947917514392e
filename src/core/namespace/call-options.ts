import { CacheError } from '../cache-error.js';
import { EVERY_KEY } from '../keys/key-range.js';
import type { KeySpace } from '../keys/key-space.js';
import type { Listing } from '../listing/entry-pages.js';
import { assertRecord, isPositiveInteger, MAX_TIMER_MS, msOf, refuseUnknown } from '../option-checks.js';
import type { LoadOptions, ReadOptions, ScanOptions, TouchOptions, WriteOptions } from './namespace-cache.js';

const READ_OPTIONS = ['fresh'] as const;
const WRITE_OPTIONS = ['ttlMs'] as const;
const LOAD_OPTIONS = [...WRITE_OPTIONS, 'timeoutMs'] as const;
const SCAN_OPTIONS = ['prefix', 'reverse', 'limit'] as const;
const EXAMPLE = '{ ttlMs: 5000 }';

/** The time to live that the options of a write name: `Infinity` for never, `undefined` where they name none. */
export function ttlIn(namespace: string, options: WriteOptions | undefined): number | undefined {
  if (options === undefined) return undefined;
  assertKnown(namespace, options, WRITE_OPTIONS);
  return msOf(namespace, 'ttlMs', options.ttlMs);
}

/** The time to live that a touch names, which must name one: `Infinity` for never. */
export function newTtlIn(namespace: string, options: TouchOptions): number {
  assertKnown(namespace, options, WRITE_OPTIONS);
  const ttlMs = msOf(namespace, 'ttlMs', options.ttlMs);
  if (ttlMs !== undefined) return ttlMs;
  throw new CacheError(
    'INVALID_OPTION',
    `Namespace '${namespace}': touch() needs a new time to live, such as ${EXAMPLE}, or { ttlMs: null } for never.`,
    { namespace, option: 'ttlMs' },
  );
}

/** Whether the options of a read ask for what there is now, whatever others do. */
export function isFreshAskedIn(namespace: string, options: ReadOptions): boolean {
  assertKnown(namespace, options, READ_OPTIONS, '{ fresh: true }');
  const { fresh = false } = options;
  if (typeof fresh === 'boolean') return fresh;
  throw new CacheError('INVALID_OPTION', `Namespace '${namespace}': 'fresh' must be true or false.`, {
    namespace,
    option: 'fresh',
  });
}

/** The same of a load, and for how long it is waited for: `undefined` for as long as it takes. */
export function timesIn(
  namespace: string,
  options: LoadOptions,
): { readonly ttlMs: number | undefined; readonly timeoutMs: number | undefined } {
  assertKnown(namespace, options, LOAD_OPTIONS);
  const timeoutMs = msOf(namespace, 'timeoutMs', options.timeoutMs, MAX_TIMER_MS);
  return {
    ttlMs: msOf(namespace, 'ttlMs', options.ttlMs),
    timeoutMs: timeoutMs === Infinity ? undefined : timeoutMs,
  };
}

/** What the options of a scan ask for. Throws `INVALID_KEY` for a prefix that no key has. */
export function listingIn<K>(namespace: string, options: ScanOptions<K>, keys: KeySpace<K>): Listing {
  assertKnown(namespace, options, SCAN_OPTIONS, '{ limit: 100 }');
  const { prefix, reverse = false, limit = Infinity } = options;
  const invalid = (option: string, remedy: string): CacheError =>
    new CacheError('INVALID_OPTION', `Namespace '${namespace}': '${option}' must be ${remedy}.`, {
      namespace,
      option,
    });
  if (typeof reverse !== 'boolean') throw invalid('reverse', 'true or false');
  if (limit !== Infinity && !isPositiveInteger(limit))
    throw invalid('limit', 'a whole number above 0, or left out');
  return { range: prefix === undefined ? EVERY_KEY : keys.range(prefix), reverse, limit };
}

/** Throws `INVALID_OPTION` for what is called where a function is asked for. */
export function assertFunction(namespace: string, option: string, given: unknown): void {
  if (typeof given === 'function') return;
  throw new CacheError(
    'INVALID_OPTION',
    `Namespace '${namespace}': ${option} must be a function, and is of type ${typeof given}.`,
    { namespace, option },
  );
}

/** Throws `INVALID_OPTION` for what is no list of keys or entries. A string, which would be one of characters, is none. */
export function assertList(namespace: string, option: string, given: unknown): void {
  if (typeof given === 'object' && given !== null && Symbol.iterator in given) return;
  throw new CacheError(
    'INVALID_OPTION',
    `Namespace '${namespace}': ${option} must be an array, a Map or another iterable, and is of type ${typeof given}.`,
    { namespace, option },
  );
}

/** Throws `INVALID_OPTION` for what is no key with its value. */
export function assertEntry(namespace: string, given: unknown): void {
  if (Array.isArray(given) && given.length >= 2) return;
  throw new CacheError(
    'INVALID_OPTION',
    `Namespace '${namespace}': each entry must be an array of a key and its value.`,
    { namespace, option: 'the entries' },
  );
}

function assertKnown(namespace: string, options: unknown, known: readonly string[], example = EXAMPLE): void {
  const where = `Namespace '${namespace}'`;
  assertRecord(options, where, example);
  refuseUnknown(options, known, where);
}
