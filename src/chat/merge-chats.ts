import { isDeepStrictEqual } from 'node:util';
import type { Conflict } from '../core/definition/conflict-rule.js';
import type { Immutable } from '../core/values/immutable.js';
import type { ChatRecord } from './chat-types.js';

/**
 * Merges what two processes have made of the record of a chat, field by field: what this one has changed is taken of it, the rest
 * of the other. So settings and info never overwrite each other.
 */
export function mergeChats({ base, mine, theirs }: Conflict<ChatRecord>): Immutable<ChatRecord> | undefined {
  const settings = changed(base?.settings, mine?.settings, theirs?.settings);
  const info = changed(base?.info, mine?.info, theirs?.info);
  // It was removed here, and nothing is left of what the other has made of it.
  if (mine === undefined && settings === undefined && info === undefined) return undefined;
  return { ...(settings === undefined ? {} : { settings }), ...(info === undefined ? {} : { info }) };
}

function changed<T>(base: T, mine: T, theirs: T): T {
  return isDeepStrictEqual(base, mine) ? theirs : mine;
}
