import { CacheError } from './cache-error.js';

/** What a timer of Node can count: longer delays fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** Throws `INVALID_OPTION` for options that are no object. `example` shows what to pass instead. */
export function assertRecord(given: unknown, where: string, example: string): asserts given is object {
  // By its tag, which is the same in every realm: a Date or a Map is no set of options either.
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
