import { inMilliseconds, SECONDS_NOTE, ZONE_NOTE } from '../sql/expiry-faults.js';
import type { TableFault } from '../sql/table-fault.js';
import { LEAST_DIGITS } from '../sql/timestamp.js';
import type { CatalogueColumn } from './table-catalogue.js';

const TABLE = '`cache_storage`';
export const BYTES = { namespace: 512, key: 2048 } as const;
export const STAMP = 'BIGINT NOT NULL DEFAULT 0';
const INTEGERS = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'];
const NUMBERS: ReadonlySet<string> = new Set([...INTEGERS, 'decimal', 'float', 'double']);
const TIMES: ReadonlySet<string> = new Set(['datetime', 'timestamp', 'date']);

/** The columns that don't bring back what was stored in them. */
export function typeFaults(column: CatalogueColumn): TableFault[] {
  const { name, type, fullType, length, charset, nullable } = column;
  const isUtf8 = charset === 'utf8mb4';
  const shown = `${fullType}${charset === null || isUtf8 ? '' : ` in ${charset}`}`;
  const what = (better: string): string =>
    `its column ${name} is of type ${shown}, and needs to be ${better}`;
  const fault = (...types: string[]): TableFault[] => [
    {
      what: what(types.at(-1) ?? ''),
      remedy: types.map((better) => `${modified(name, better, nullable)};`).join('\n'),
    },
  ];
  if (name === 'namespace' || name === 'key') {
    const bytes = BYTES[name];
    if (type === 'varbinary') return Number(length) >= bytes ? [] : fault(`VARBINARY(${bytes})`);
    if (type === 'varchar' && isUtf8 && Number(length) >= bytes / 4) return [];
    return fault(...viaCharacters(bytes));
  }
  if (name === 'value' && !(type === 'longtext' && isUtf8))
    return fault('LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin');
  if (name === 'expires_at' && type !== 'bigint') return expiryFaults(column, what('BIGINT'));
  if (name === 'version' && type !== 'bigint') return [{ what: what('BIGINT'), remedy: stampColumn(column) }];
  if (name !== 'updated_at') return [];
  if (type === 'date' || !TIMES.has(type))
    return [{ what: what('DATETIME(3)'), remedy: setAside(column, 'DATETIME(3) NULL') }];
  return Number(column.digits) >= LEAST_DIGITS
    ? []
    : [{ what: what('DATETIME(3)'), remedy: `${modified(name, 'DATETIME(3)', 'YES')};`, note: ZONE_NOTE }];
}

/**
 * With the old column beside the new one: a statement about a table can't be taken back, and between the two the rows
 * never expire.
 */
function expiryFaults(column: CatalogueColumn, what: string): TableFault[] {
  const { type, name } = column;
  const converted = expiryIn(`${name}_before`, column);
  const remedy = setAside(column, 'BIGINT NULL');
  const stays = `What the column said stays as ${name}_before.`;
  if (converted === undefined)
    return [{ what, remedy, note: `Rows that are there then never expire. ${stays}` }];
  return [
    {
      what,
      remedy: `${remedy}\nUPDATE ${TABLE} SET \`${name}\` = ${converted} WHERE \`${name}\` IS NULL;`,
      note: `${NUMBERS.has(type) ? SECONDS_NOTE : ZONE_NOTE} ${stays}`,
    },
  ];
}

/** The milliseconds that `name`, a column like `column`, means, as an expression; `undefined` where its type does not say. */
export function expiryIn(name: string, { type }: CatalogueColumn): string | undefined {
  if (NUMBERS.has(type)) return inMilliseconds(`\`${name}\``);
  if (!TIMES.has(type)) return undefined;
  return `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', CONVERT_TZ(\`${name}\`, @@session.time_zone, '+00:00')) DIV 1000`;
}

function setAside(column: CatalogueColumn, better: string): string {
  const { name } = column;
  return `ALTER TABLE ${TABLE} CHANGE \`${name}\` \`${name}_before\` ${wholeType(column)} NULL, ADD COLUMN \`${name}\` ${better};`;
}

/** The statements that make the column one for stamps. What it holds of another type is set aside. */
export function stampColumn(column: CatalogueColumn): string {
  const { name, type } = column;
  if (!INTEGERS.includes(type)) return setAside(column, STAMP);
  return [
    `UPDATE ${TABLE} SET \`${name}\` = 0 WHERE \`${name}\` IS NULL;`,
    `ALTER TABLE ${TABLE} MODIFY \`${name}\` ${STAMP};`,
  ].join('\n');
}

/** First the bytes of utf8mb4, whatever the characters were stored as. */
export function viaCharacters(bytes: number): string[] {
  return [`VARCHAR(${bytes / 4}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`, `VARBINARY(${bytes})`];
}

export function modified(name: string, type: string, nullable: 'YES' | 'NO'): string {
  return `ALTER TABLE ${TABLE} MODIFY \`${name}\` ${type} ${nullable === 'YES' ? 'NULL' : 'NOT NULL'}`;
}

/** Without its character set a text would be turned into that of the table. */
export function wholeType({ fullType, charset, collation }: CatalogueColumn): string {
  return charset === null || collation === null
    ? fullType
    : `${fullType} CHARACTER SET ${charset} COLLATE ${collation}`;
}
