import type { Hit } from './count-hit.js';
import { STORAGE } from './storage-options.js';

/** What the guard takes from the options of a throttler, or from `@Throttle()`. */
const OPTIONS = ['ttl', 'limit', 'blockDuration'] as const;

/** Throws `INVALID_OPTION` for what is no number: a sum with text would be text, and last for ages. `Infinity` is one. */
export function assertHit(hit: Hit): void {
  for (const option of OPTIONS) {
    const value: unknown = hit[option];
    if (typeof value === 'number' && !Number.isNaN(value)) continue;
    throw STORAGE.refusal(
      option,
      `takes a number as '${option}' of a throttler, and was given ${nameOf(value)}. What comes from the environment is text: pass ` +
        `Number(config.getOrThrow('…')).`,
    );
  }
}

function nameOf(value: unknown): string {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
