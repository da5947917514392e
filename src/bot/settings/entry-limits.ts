import { Refusal } from '../messages/refusal.js';

const MAX_KEY_LENGTH = 64;
const MAX_VALUE_LENGTH = 1000;
/** Settings of a chat, or things remembered of a user in a chat: each of these is stored as one value. */
const MAX_ENTRIES = 100;

/** Refuses a key or a value that is too long. */
export function assertLengths(key: string, value = ''): void {
  if (key.length > MAX_KEY_LENGTH) {
    throw new Refusal(
      `That key is too long: ${key.length} characters. Please use at most ${MAX_KEY_LENGTH}.`,
    );
  }
  if (value.length > MAX_VALUE_LENGTH) {
    throw new Refusal(
      `That value is too long: ${value.length} characters. Please use at most ${MAX_VALUE_LENGTH}.`,
    );
  }
}

/** Refuses one entry more than there may be. */
export function assertRoom(entries: object, key: string, remedy: string): void {
  if (Object.hasOwn(entries, key) || Object.keys(entries).length < MAX_ENTRIES) return;
  throw new Refusal(`There are ${MAX_ENTRIES} already, which is as many as I keep. ${remedy}`);
}
