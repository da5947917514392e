import { CACHE_TABLE } from '../cache-storage.entity.js';
import { BEFORE, type NameOf } from '../sql/free-names.js';
import { BY_INSTANT, instantIn } from './instant-order.js';

export interface RebuiltTable {
  /** The statements that put a new table in the place of the old one: SQLite can't change a column. */
  readonly remedy: string;
  /** What they don't bring over. */
  readonly note: string;
}

const COLUMNS = ['namespace', 'key', 'value', 'updated_at', 'expires_at', 'version'];
const INDEXES = [
  { name: 'idx_cache_namespace', on: '("namespace")' },
  { name: 'idx_cache_expires_at', on: '("namespace", "expires_at") WHERE "expires_at" IS NOT NULL' },
] as const;

/** Takes the rows of a table with these columns, of those with one key the newest. */
export function rebuilt(columns: readonly { readonly name: string }[], nameOf: NameOf): RebuiltTable {
  const before = nameOf(BEFORE);
  const has = (name: string): boolean => columns.some((column) => column.name === name);
  // A time that is left out would be that of the mending.
  const found = COLUMNS.map((name) => (has(name) ? stored(name) : name === 'version' ? '0' : 'NULL')).join(
    ', ',
  );
  const names = COLUMNS.map((name) => `"${name}"`).join(', ');
  const inOrder = has('updated_at') ? ` ORDER BY ${BY_INSTANT}` : '';
  const remedy = [
    'BEGIN',
    `ALTER TABLE "${CACHE_TABLE}" RENAME TO "${before}"`,
    `CREATE TABLE "${CACHE_TABLE}" ("namespace" TEXT NOT NULL, "key" TEXT NOT NULL, "value" TEXT NOT NULL, ` +
      '"updated_at" TIMESTAMP DEFAULT CURRENT_TIMESTAMP, "expires_at" bigint, "version" bigint NOT NULL DEFAULT 0, PRIMARY KEY ("namespace", "key"))',
    `INSERT OR REPLACE INTO "${CACHE_TABLE}" (${names}) SELECT ${found} FROM "${before}" ` +
      `WHERE "namespace" IS NOT NULL AND "key" IS NOT NULL AND "value" IS NOT NULL${inOrder}`,
    ...INDEXES.map(({ name, on }) => `CREATE INDEX "${nameOf(name)}" ON "${CACHE_TABLE}" ${on}`),
    'COMMIT',
  ];
  return {
    remedy: remedy.map((statement) => `${statement};`).join('\n'),
    note:
      `The table gets the columns of the cache alone. The old one stays as ${before}: other columns, indexes and triggers, ` +
      'rows without a namespace, key or value, and older rows of one key are only there. An expiry that tells no instant becomes never.',
  };
}

/**
 * An expiry in whatever form as milliseconds: as a text it would never be over, in seconds it long would be. What is no stamp
 * is that of a row that was written without one.
 */
function stored(name: string): string {
  const quoted = `"${name}"`;
  if (name === 'version') return `CASE typeof(${quoted}) WHEN 'integer' THEN ${quoted} ELSE 0 END`;
  return name === 'expires_at' ? `CAST(${instantIn(quoted)} AS INTEGER)` : quoted;
}
