import { CacheError } from './cache-error.js';

/** The longest delay of a Node timer: longer ones fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** Throws `INVALID_OPTION` for options that are no object. `example` shows what to pass instead. */
export function assertRecord(given: unknown, where: string, example: string): asserts given is object {
  // By its tag, which is the same in every realm. A Date or a Map is not an options object either.
  if (Object.prototype.toString.call(given) === '[object Object]') return;
  throw new CacheError('INVALID_OPTION', `${where}: the options must be an object such as ${example}.`);
}

/** Throws `INVALID_OPTION` for the first property of `given` that is not among `known`. */
export function refuseUnknown(given: object, known: readonly string[], where: string): void {
  for (const option of Object.keys(given)) {
    if (!known.includes(option)) {
      throw new CacheError(
        'INVALID_OPTION',
        `${where}: there is no option '${option}'. Known: ${known.join(', ')}.`,
        {
          option,
        },
      );
    }
  }
}

/**
 * A time option of a namespace; `Infinity` for `null`. Throws `INVALID_OPTION` unless it is one of these or a whole number
 * of milliseconds from 1 to `max`.
 */
export function msOf(
  namespace: string,
  option: string,
  given: unknown,
  max = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (given === undefined) return undefined;
  if (given === null || given === Infinity) return Infinity;
  if (isPositiveInteger(given) && given <= max) return given;
  const range = max === Number.MAX_SAFE_INTEGER ? 'above 0' : `from 1 to ${max}`;
  throw new CacheError(
    'INVALID_OPTION',
    `Namespace '${namespace}': '${option}' must be a whole number of milliseconds ${range}, or null for no end.`,
    { namespace, option },
  );
}
