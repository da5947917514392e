import type { QueryRunner } from 'typeorm';
import { ALIKE } from '../sql/alike.js';
import type { TableState } from '../sql/dialect.js';
import { secondsFaults } from '../sql/expiry-faults.js';
import { BEFORE, withFreeNames, type NameOf } from '../sql/free-names.js';
import { probeFaults } from '../sql/probe-faults.js';
import { backQuoted } from '../sql/quoted-name.js';
import { setAsideNote } from '../sql/set-aside.js';
import type { TableFault } from '../sql/table-fault.js';
import { probeTable, type ProbedDialect } from '../sql/table-probe.js';
import { filledColumns, shapeFaults, type Mending } from '../sql/table-shape.js';
import {
  hasUniqueKey,
  isDoubtful,
  isInTheWay,
  noUniqueKey,
  type UniqueKeyShape,
} from '../sql/unique-keys.js';
import { attachmentsOf } from './attachments.js';
import { BYTES, modified, STAMP, stampColumn, typeFaults, viaCharacters, wholeType } from './column-types.js';
import { rightsNote, uniqueKey } from './merged-table.js';
import { MYSQL_PROBE } from './probe.js';
import { columnsOf, shapeOf, uniqueKeysOf, withDependents, type CatalogueColumn } from './table-catalogue.js';

const TABLE = '`cache_storage`';
const ADDED = { updated_at: 'DATETIME(3) NULL', expires_at: 'BIGINT NULL', version: STAMP } as const;

export interface MysqlTable {
  readonly runner: QueryRunner;
  readonly dialect: ProbedDialect;
  readonly state: TableState;
}

/** What the cache can't work with in a table of MySQL or MariaDB. */
export function mysqlTableFaults(table: MysqlTable): Promise<TableFault[]> {
  return withFreeNames(table.runner, (nameOf) => faultsOf(table, nameOf));
}

async function faultsOf({ runner, dialect, state }: MysqlTable, nameOf: NameOf): Promise<TableFault[]> {
  const columns = await columnsOf(runner);
  const [first] = columns;
  if (first === undefined)
    return [{ what: 'it is missing', isBeyondAdopting: true, remedy: 'DELETE FROM `cache_migrations`;' }];
  const before = nameOf(BEFORE);
  if (/VIEW|SEQUENCE/.test(first.kind)) {
    const kind = first.kind.toLowerCase();
    const what = `it is no table but a ${kind} of that name`;
    return [{ what, ...settingAside(before, kind), isUntouchable: true }];
  }
  const attachments = await attachmentsOf(runner, columns);
  const shape = {
    columns: columns.map(shapeOf),
    uniqueKeys: await uniqueKeysOf(runner),
    fillsItself: attachments.fillColumns,
  };
  const uniqueKeys = await removableKeys(
    runner,
    shape.uniqueKeys,
    (key) => isInTheWay(key, filledColumns(shape)) || key.isPrimary,
  );
  const faults = shapeFaults({ ...shape, uniqueKeys }, mendingOf(columns, before));
  if (faults.some(({ isUntouchable }) => isUntouchable)) return faults;
  const ofColumns = columns.flatMap(typeFaults);
  faults.push(...tableFaults(first), ...attachments.faults, ...ofColumns);
  // In another character set the columns could not even be compared with all of the texts.
  if (ofColumns.length === 0) faults.push(...(await collationFaults(runner)));
  const mending = uniqueKey(columns, before);
  if (!hasUniqueKey(uniqueKeys)) faults.push(noUniqueKey(await repeated(runner), mending));
  if (state !== 'migrated' && columns.some(({ name, type }) => name === 'expires_at' && type === 'bigint'))
    faults.push(...(await secondsFaults(runner, TABLE, '`expires_at`')));
  // A new table mends everything at once.
  if (faults.some(({ remedy }) => remedy === mending.merging))
    return faults.map((fault) => ({ ...fault, remedy: mending.merging, note: mending.note }));
  if (faults.length > 0 || state === 'unmigrated') return faults;
  const doubtful = uniqueKeys.filter((key) => isDoubtful(key, filledColumns(shape)));
  if (attachments.all.length + doubtful.length === 0) return [];
  const outcome = await probeTable(runner, dialect, MYSQL_PROBE);
  const keys = outcome === 'kept' ? doubtful : await withDependents(runner, doubtful);
  return probeFaults(outcome, { attachments: attachments.all, keys });
}

/** What else has to go with a key is asked for only where some key may have to go. */
async function removableKeys(
  runner: QueryRunner,
  keys: readonly UniqueKeyShape[],
  mayGo: (key: UniqueKeyShape) => boolean,
): Promise<readonly UniqueKeyShape[]> {
  const isOwn = (key: UniqueKeyShape): boolean => hasUniqueKey([key]);
  return keys.some((key) => !isOwn(key) && mayGo(key)) ? withDependents(runner, keys) : keys;
}

function tableFaults({ engine, transactions, kind }: CatalogueColumn): TableFault[] {
  const faults: TableFault[] = [];
  if (/VERSIONED/.test(kind))
    faults.push({
      what: 'it is system-versioned: it would keep each value that was ever written, and lets no migration change it',
      remedy: `ALTER TABLE ${TABLE} DROP SYSTEM VERSIONING;`,
      note: 'That forgets the history of its rows.',
      isUntouchable: true,
    });
  if (transactions !== 'YES')
    faults.push({
      what: `its engine ${engine} knows no transactions`,
      remedy: `ALTER TABLE ${TABLE} ENGINE=InnoDB;`,
    });
  return faults;
}

/** Asks how many of the texts that are alike the columns tell apart: their collation is that of the whole UNION. */
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

function settingAside(before: string, kind?: string): { remedy: string; note: string } {
  return {
    remedy: `RENAME TABLE ${TABLE} TO \`${before}\`;`,
    note: `${setAsideNote(before, kind)} ${rightsNote('ALTER, CREATE, DROP and INSERT')}`,
  };
}

function mendingOf(columns: readonly CatalogueColumn[], before: string): Mending {
  const find = (name: string): CatalogueColumn | undefined => columns.find((other) => other.name === name);
  const typeOf = (name: string): string => {
    const column = find(name);
    return column === undefined ? 'LONGTEXT' : wholeType(column);
  };
  return {
    setAside: settingAside(before),
    addColumn: (name) => `ALTER TABLE ${TABLE} ADD COLUMN \`${name}\` ${ADDED[name]};`,
    zeroColumn: (name) =>
      columns
        .filter((column) => column.name === name)
        .map(stampColumn)
        .join('\n'),
    freeColumn: (name) => `ALTER TABLE ${TABLE} MODIFY ${backQuoted(name)} ${typeOf(name)} NULL;`,
    plainColumn: (name) => plainColumn(name, typeOf(name), /VIRTUAL/i.test(find(name)?.extra ?? '')),
  };
}

/** What is stored stays as it is; what never was has to be stored first. */
function plainColumn(name: string, type: string, isVirtual: boolean): string {
  const alter = (change: string): string => `ALTER TABLE ${TABLE} ${change};`;
  const column = backQuoted(name);
  if (!isVirtual) return alter(`MODIFY ${column} ${type}`);
  const computed = backQuoted(`${name}_computed`);
  return [
    alter(`ADD COLUMN ${computed} ${type} NULL`),
    `UPDATE ${TABLE} SET ${computed} = ${column};`,
    alter(`DROP COLUMN ${column}, CHANGE ${computed} ${column} ${type} NULL`),
  ].join('\n');
}
