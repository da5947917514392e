import type { QueryRunner } from 'typeorm';
import { ALIKE } from '../sql/alike.js';
import { BEFORE, withFreeNames, type NameOf } from '../sql/free-names.js';
import { setAsideNote } from '../sql/set-aside.js';
import { hasUniqueKey, noUniqueKey, shapeFaults, type Mending, type TableFault } from '../sql/table-shape.js';
import { columnsOf, isTriggered, shapeOf, uniqueKeysOf, type CatalogueColumn } from './table-catalogue.js';

const TABLE = '`cache_storage`';
const MENDED = '`cache_storage_mended`';
const rightsNote = (rights: string): string => `The statements need the rights ${rights}.`;
const BYTES = { namespace: 512, key: 2048 } as const;

/** Finds what the cache can't work with in a table of MySQL or MariaDB. Only reads. */
export function mysqlTableFaults(runner: QueryRunner): Promise<TableFault[]> {
  return withFreeNames(runner, (nameOf) => faultsOf(runner, nameOf));
}

async function faultsOf(runner: QueryRunner, nameOf: NameOf): Promise<TableFault[]> {
  const columns = await columnsOf(runner);
  const [first] = columns;
  if (first === undefined)
    return [{ what: 'it is missing', isBeyondAdopting: true, remedy: 'DELETE FROM `cache_migrations`;' }];
  const before = nameOf(BEFORE);
  if (/VIEW|SEQUENCE/.test(first.kind)) {
    const kind = first.kind.toLowerCase();
    const what = `it is no table but a ${kind} of that name`;
    return [{ what, ...settingAside(before, kind), isAnother: true }];
  }
  const shape = {
    columns: columns.map(shapeOf),
    uniqueKeys: await uniqueKeysOf(runner),
    fillsItself: await isTriggered(runner),
  };
  const faults = shapeFaults(shape, mendingOf(columns, before));
  if (faults.some(({ isAnother }) => isAnother)) return faults;
  const ofColumns = columns.flatMap(columnFaults);
  faults.push(...tableFaults(first), ...ofColumns);
  // Columns of another character set can't be compared with all of the texts.
  if (ofColumns.length === 0) faults.push(...(await collationFaults(runner)));
  if (!hasUniqueKey(shape)) faults.push(noUniqueKey(await repeated(runner), uniqueKey(columns, before)));
  return faults;
}

function tableFaults({ engine, transactions }: CatalogueColumn): TableFault[] {
  if (transactions === 'YES') return [];
  return [
    { what: `its engine ${engine} knows no transactions`, remedy: `ALTER TABLE ${TABLE} ENGINE=InnoDB;` },
  ];
}

function columnFaults(column: CatalogueColumn): TableFault[] {
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
  if (name === 'expires_at' && type !== 'bigint') return fault('BIGINT');
  if (name === 'updated_at' && !['datetime', 'timestamp'].includes(type))
    return [
      {
        what: what('DATETIME(3)'),
        remedy: `ALTER TABLE ${TABLE} CHANGE \`${name}\` \`${name}_before\` ${wholeType(column)} NULL, ADD COLUMN \`${name}\` DATETIME(3) NULL;`,
      },
    ];
  return [];
}

/** First the bytes of utf8mb4, whatever the characters were stored as. */
function viaCharacters(bytes: number): string[] {
  return [`VARCHAR(${bytes / 4}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`, `VARBINARY(${bytes})`];
}

function modified(name: string, type: string, nullable: 'YES' | 'NO'): string {
  return `ALTER TABLE ${TABLE} MODIFY \`${name}\` ${type} ${nullable === 'YES' ? 'NULL' : 'NOT NULL'}`;
}

/** Counts how many of the similar texts the columns distinguish: their collation applies to the whole UNION. */
async function collationFaults(runner: QueryRunner): Promise<TableFault[]> {
  const texts = ALIKE.map(() => 'SELECT ?').join(' UNION ');
  const tellsApart = (column: string): string =>
    `(SELECT COUNT(*) FROM (SELECT \`${column}\` FROM ${TABLE} WHERE FALSE UNION ${texts}) AS \`of ${column}\`)`;
  const [found] = (await runner.query(
    `SELECT ${tellsApart('namespace')} AS \`namespace\`, ${tellsApart('key')} AS \`key\``,
    [...ALIKE, ...ALIKE],
  )) as Record<string, number | string>[];
  return (['namespace', 'key'] as const)
    .filter((column) => Number(found?.[column]) !== ALIKE.length)
    .map((column) => ({
      what: `the collation of its column ${column} takes different texts for the same`,
      remedy: viaCharacters(BYTES[column])
        .map((type) => `${modified(column, type, 'NO')};`)
        .join('\n'),
    }));
}

async function repeated(runner: QueryRunner): Promise<[string, string][]> {
  const rows = (await runner.query(
    `SELECT \`namespace\`, \`key\` FROM ${TABLE} WHERE \`namespace\` IS NOT NULL AND \`key\` IS NOT NULL ` +
      'GROUP BY `namespace`, `key` HAVING COUNT(*) > 1 ORDER BY `namespace`, `key` LIMIT 3',
  )) as { namespace: Buffer | string; key: Buffer | string }[];
  return rows.map(({ namespace, key }) => [String(namespace), String(key)]);
}

/** Rows without a key can't be distinguished: a new table takes the newest of each. The old table keeps all of them. */
function uniqueKey(
  columns: readonly CatalogueColumn[],
  before: string,
): { adding: string; merging: string; note: string } {
  const key = 'ADD UNIQUE KEY (`namespace`, `key`)';
  const inOrder = columns.some(({ name }) => name === 'updated_at') ? ' ORDER BY `updated_at`' : '';
  return {
    adding: `ALTER TABLE ${TABLE} ${key};`,
    // Each statement is a transaction of its own: an earlier run may have stopped half way.
    merging: [
      `DROP TABLE IF EXISTS ${MENDED};`,
      `CREATE TABLE ${MENDED} LIKE ${TABLE};`,
      `ALTER TABLE ${MENDED} ${key};`,
      `REPLACE INTO ${MENDED} SELECT * FROM ${TABLE}${inOrder};`,
      `RENAME TABLE ${TABLE} TO \`${before}\`, ${MENDED} TO ${TABLE};`,
    ].join('\n'),
    note:
      `The newest row of each key is taken over; the old table stays as ${before}, with all of them. A table cache_storage_mended, ` +
      `which an earlier attempt left, is dropped. ${rightsNote('ALTER, CREATE, DELETE, DROP, INSERT and SELECT')}`,
  };
}

function settingAside(before: string, kind?: string): { remedy: string; note: string } {
  return {
    remedy: `RENAME TABLE ${TABLE} TO \`${before}\`;`,
    note: `${setAsideNote(before, kind)} ${rightsNote('ALTER, CREATE, DROP and INSERT')}`,
  };
}

function mendingOf(columns: readonly CatalogueColumn[], before: string): Mending {
  const typeOf = (name: string): string => {
    const column = columns.find((other) => other.name === name);
    return column === undefined ? 'LONGTEXT' : wholeType(column);
  };
  return {
    setAside: settingAside(before),
    addColumn: (name) =>
      `ALTER TABLE ${TABLE} ADD COLUMN \`${name}\` ${name === 'updated_at' ? 'DATETIME(3)' : 'BIGINT'} NULL;`,
    freeColumn: (name) => `ALTER TABLE ${TABLE} MODIFY \`${name}\` ${typeOf(name)} NULL;`,
    plainColumn: (name) => `ALTER TABLE ${TABLE} MODIFY \`${name}\` ${typeOf(name)};`,
  };
}

/** Without its character set a text would be turned into that of the table. */
function wholeType({ fullType, charset, collation }: CatalogueColumn): string {
  return charset === null || collation === null
    ? fullType
    : `${fullType} CHARACTER SET ${charset} COLLATE ${collation}`;
}
