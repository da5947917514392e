/** The columns of a stored row, and what becomes of the row that is there: in words that SQLite and PostgreSQL share. */
export const COLUMNS = '("namespace", "key", "value", "expires_at", "updated_at", "version")';
export const REPLACE =
  'ON CONFLICT ("namespace", "key") DO UPDATE SET "value" = excluded."value", ' +
  '"expires_at" = excluded."expires_at", "updated_at" = excluded."updated_at", ' +
  '"version" = excluded."version"';
