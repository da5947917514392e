import { expiryIn, STAMP } from './column-types.js';
import type { CatalogueColumn } from './table-catalogue.js';

const TABLE = '`cache_storage`';
const MENDED = '`cache_storage_mended`';
const DEFINITIONS = [
  '`namespace` VARBINARY(512) NOT NULL',
  '`key` VARBINARY(2048) NOT NULL',
  '`value` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL',
  '`updated_at` DATETIME(3) NULL DEFAULT (UTC_TIMESTAMP(3))',
  '`expires_at` BIGINT NULL',
  `\`version\` ${STAMP}`,
  'PRIMARY KEY (`namespace`, `key`)',
  'KEY `idx_cache_namespace` (`namespace`)',
  'KEY `idx_cache_expires_at` (`namespace`, `expires_at`)',
].join(', ');

export const rightsNote = (rights: string): string => `The statements need the rights ${rights}.`;

/**
 * The statements that give the table its unique key: `adding` where no key has several rows, else `merging`. Nothing tells
 * rows apart that have no key: a new table takes the newest of each. The old one stays, with all of them.
 */
export function uniqueKey(
  columns: readonly CatalogueColumn[],
  before: string,
): { adding: string; merging: string; note: string } {
  const isPartitioned = columns.some(({ options }) => /\bpartitioned\b/i.test(options ?? ''));
  return {
    adding: [
      // What it is partitioned by would have to be in the key.
      ...(isPartitioned ? [`ALTER TABLE ${TABLE} REMOVE PARTITIONING;`] : []),
      `ALTER TABLE ${TABLE} ADD UNIQUE KEY (\`namespace\`, \`key\`);`,
    ].join('\n'),
    // Each of them is a transaction of its own: they may have stopped half way before. And a shell may go on after an error:
    // the new table is only there with all of its rows, or it could take the place of the old one without them.
    merging: [
      `DROP TABLE IF EXISTS ${MENDED};`,
      `CREATE TABLE ${MENDED} (${DEFINITIONS}) ENGINE=InnoDB REPLACE ${newest(columns)};`,
      `RENAME TABLE ${TABLE} TO \`${before}\`, ${MENDED} TO ${TABLE};`,
    ].join('\n'),
    note:
      'The newest row of each key is taken over, into a table with the columns of the cache alone. The old one stays as ' +
      `${before}: other columns, indexes, triggers and foreign keys, rows without a namespace, key or value, and older rows of ` +
      'one key are only there. A table cache_storage_mended, which an earlier attempt left, is dropped. ' +
      rightsNote('ALTER, CREATE, DELETE, DROP, INSERT and SELECT'),
  };
}

function newest(columns: readonly CatalogueColumn[]): string {
  const find = (name: string): CatalogueColumn | undefined => columns.find((column) => column.name === name);
  const hasTime = /^(?:datetime|timestamp|date)$/.test(find('updated_at')?.type ?? '');
  const expiry = find('expires_at');
  const selected = [
    `${bytesOf('namespace', find('namespace'))} AS \`namespace\``,
    `${bytesOf('key', find('key'))} AS \`key\``,
    '`value`',
    `${hasTime ? timeOf(find('updated_at')) : 'NULL'} AS \`updated_at\``,
    `${(expiry && expiryIn('expires_at', expiry)) ?? 'NULL'} AS \`expires_at\``,
    `${find('version')?.type === 'bigint' ? 'COALESCE(`version`, 0)' : '0'} AS \`version\``,
  ];
  return (
    `SELECT ${selected.join(', ')} FROM ${TABLE} ` +
    'WHERE `namespace` IS NOT NULL AND `key` IS NOT NULL AND `value` IS NOT NULL' +
    (hasTime ? ` ORDER BY ${TABLE}.\`updated_at\`` : '')
  );
}

/** The bytes of utf8mb4, whatever the characters are stored as. */
function bytesOf(name: string, column: CatalogueColumn | undefined): string {
  return column?.charset ? `CAST(CONVERT(\`${name}\` USING utf8mb4) AS BINARY)` : `\`${name}\``;
}

/** A TIMESTAMP is shown in the session's zone. */
function timeOf(column: CatalogueColumn | undefined): string {
  return column?.type === 'timestamp'
    ? "CONVERT_TZ(`updated_at`, @@session.time_zone, '+00:00')"
    : '`updated_at`';
}
