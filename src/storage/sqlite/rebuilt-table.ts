import { CACHE_TABLE } from '../cache-storage.entity.js';

/**
 * The statements that put a new table in the place of one with these columns: SQLite can't change a column. It takes the
 * rows, of those with one key the newest. The old one stays beside it, with all of them.
 */
export function rebuilt(columns: readonly { readonly name: string }[]): string {
  const has = (name: string): boolean => columns.some((column) => column.name === name);
  const kept = ['namespace', 'key', 'value', 'updated_at', 'expires_at'].filter(has);
  const names = kept.map((name) => `"${name}"`).join(', ');
  const inOrder = has('updated_at') ? ' ORDER BY "updated_at"' : '';
  return [
    'BEGIN',
    `ALTER TABLE "${CACHE_TABLE}" RENAME TO "${CACHE_TABLE}_before"`,
    'DROP INDEX IF EXISTS "idx_cache_namespace"',
    'DROP INDEX IF EXISTS "idx_cache_expires_at"',
    `CREATE TABLE "${CACHE_TABLE}" ("namespace" TEXT NOT NULL, "key" TEXT NOT NULL, "value" TEXT NOT NULL, ` +
      '"updated_at" TIMESTAMP DEFAULT CURRENT_TIMESTAMP, "expires_at" bigint, PRIMARY KEY ("namespace", "key"))',
    `INSERT OR REPLACE INTO "${CACHE_TABLE}" (${names}) SELECT ${names} FROM "${CACHE_TABLE}_before" ` +
      `WHERE "namespace" IS NOT NULL AND "key" IS NOT NULL AND "value" IS NOT NULL${inOrder}`,
    `CREATE INDEX "idx_cache_namespace" ON "${CACHE_TABLE}" ("namespace")`,
    `CREATE INDEX "idx_cache_expires_at" ON "${CACHE_TABLE}" ("namespace", "expires_at") WHERE "expires_at" IS NOT NULL`,
    'COMMIT;',
  ].join('; ');
}
