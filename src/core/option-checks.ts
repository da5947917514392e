import { CacheError } from './cache-error.js';

export function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
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
