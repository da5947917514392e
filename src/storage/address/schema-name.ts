import { unsupported } from '../unsupported.js';

/** What TypeORM takes for the end of a name, or of its quotes. */
const UNSPEAKABLE = /["'`.\p{Cc}]/u;

/** Throws `UNSUPPORTED_STORAGE` for a schema that TypeORM can't name. */
export function refuseUnspeakable(schema: unknown): void {
  if (typeof schema !== 'string' || !UNSPEAKABLE.test(schema)) return;
  throw unsupported(
    `TypeORM can't name the schema ${JSON.stringify(schema)}: it puts quotes and dots into its statements as they are. ` +
      'Give the cache a schema whose name has none of them.',
  );
}
