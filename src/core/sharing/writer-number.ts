import { randomInt } from 'node:crypto';
import type { Writer } from '../storage-adapter.js';

/** `randomInt` draws from so many numbers at most. */
const NUMBERS = 2 ** 48 - 1;

/** A number for an instance that no other one will ever have: of so many, two are the same by a chance that nobody meets. */
export function drawWriter(): Writer {
  return randomInt(1, NUMBERS);
}
