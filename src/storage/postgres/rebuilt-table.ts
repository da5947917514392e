import { BEFORE, EXPIRY_INDEX, type NameOf } from '../sql/free-names.js';
import { inMillisecondsOf, TIMES } from './column-types.js';
import { STAMP } from './stamp-column.js';
import { inSchemaOf, type CatalogueColumn } from './table-catalogue.js';

export interface RebuiltTable {
  /** The statements that put a new table in the place of the old one. */
  readonly remedy: string;
  /** What they don't bring over. */
  readonly note: string;
}

const NAMES = '"namespace", "key", "value", "updated_at", "expires_at", "version"';

/** For what no change of the table mends, such as what it is partitioned by. Takes its rows, of those with one key the newest. */
export function rebuilt(columns: readonly CatalogueColumn[], table: string, nameOf: NameOf): RebuiltTable {
  const before = nameOf(BEFORE);
  const old = inSchemaOf(table, `"${before}"`);
  const typeOf = (name: string): string => {
    const column = columns.find((other) => other.name === name);
    return column?.domain?.type ?? column?.type ?? '';
  };
  const text = (name: string): string =>
    typeOf(name) === 'bytea' ? `convert_from("${name}", 'UTF8')` : `"${name}"::text`;
  const writtenAt = TIMES.has(typeOf('updated_at')) ? '"updated_at"::timestamptz' : 'NULL::timestamptz';
  const expiresAt = inMillisecondsOf('expires_at', typeOf('expires_at')) ?? 'NULL';
  const version = typeOf('version') === 'int8' ? 'COALESCE("version", 0)' : '0';
  const order = writtenAt.startsWith('NULL') ? 'ctid DESC' : '"updated_at" DESC NULLS LAST, ctid DESC';
  const remedy = [
    'BEGIN',
    `ALTER TABLE ${table} RENAME TO "${before}"`,
    `CREATE TABLE ${table} ("namespace" text COLLATE "C" NOT NULL, "key" text COLLATE "C" NOT NULL, "value" text NOT NULL, ` +
      '"updated_at" timestamptz(3) DEFAULT CURRENT_TIMESTAMP, "expires_at" bigint, ' +
      `"version" ${STAMP}, PRIMARY KEY ("namespace", "key"))`,
    `INSERT INTO ${table} (${NAMES}) SELECT DISTINCT ON (${text('namespace')} COLLATE "C", ${text('key')} COLLATE "C") ` +
      `${text('namespace')}, ${text('key')}, ${text('value')}, ${writtenAt}, ${expiresAt}, ${version} FROM ${old} ` +
      'WHERE "namespace" IS NOT NULL AND "key" IS NOT NULL AND "value" IS NOT NULL ' +
      `ORDER BY ${text('namespace')} COLLATE "C", ${text('key')} COLLATE "C", ${order}`,
    `CREATE INDEX "${nameOf(EXPIRY_INDEX)}" ON ${table} ("namespace", "expires_at") WHERE "expires_at" IS NOT NULL`,
    'COMMIT',
  ];
  return {
    remedy: remedy.map((statement) => `${statement};`).join('\n'),
    note:
      'The table gets the columns of the cache alone, and belongs to whoever runs the statements: grant rights on it anew. The ' +
      `old one stays as ${before}: other columns, indexes and triggers, rows without a namespace, key or value, and older ` +
      'rows of one key are only there.',
  };
}
