import { isCacheError } from '../../index.js';

/** A failure for the log. Leaves out the message of an unknown error: it may quote what a user wrote. */
export function reportFailure(error: unknown): string {
  if (isCacheError(error)) {
    // The bot's keys are numbers of chats and users, which is what the owner needs to find the entry.
    return [error.code, error.namespace, error.key].filter((part) => part !== undefined).join(' ');
  }
  if (!(error instanceof Error)) return `a thrown ${typeof error}`;
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  return [error.name, ...frames].join('\n');
}
