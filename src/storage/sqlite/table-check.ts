import type { QueryRunner } from 'typeorm';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { ALIKE } from '../sql/alike.js';
import { BEFORE, UNIQUE_KEY, withFreeNames, type NameOf } from '../sql/free-names.js';
import { setAsideNote } from '../sql/set-aside.js';
import { hasUniqueKey, noUniqueKey, shapeFaults, type Mending, type TableFault } from '../sql/table-shape.js';
import { rebuilt } from './rebuilt-table.js';
import {
  columnsOf,
  shapeOf,
  tableOf,
  uniqueKeysOf,
  type CatalogueColumn,
  type CatalogueTable,
} from './table-catalogue.js';

const QUOTED = `"${CACHE_TABLE}"`;
/** Counts how many of them a column's collation distinguishes: the first column's applies to the whole compound SELECT. */
const tellsApart = (column: string): string =>
  `(SELECT COUNT(*) FROM (SELECT "${column}" FROM ${QUOTED} WHERE 0 UNION SELECT value FROM json_each(?)))`;
const COLLATIONS = `SELECT ${tellsApart('namespace')} AS namespace, ${tellsApart('key')} AS "key"`;

/** Finds what the cache can't work with in a table of SQLite. Only reads, and takes no lock. */
export function sqliteTableFaults(runner: QueryRunner): Promise<TableFault[]> {
  return withFreeNames(runner, (nameOf) => faultsOf(runner, nameOf));
}

async function faultsOf(runner: QueryRunner, nameOf: NameOf): Promise<TableFault[]> {
  const table = await tableOf(runner);
  if (table === undefined)
    return [{ what: 'it is missing', isBeyondAdopting: true, remedy: 'DELETE FROM "cache_migrations";' }];
  const before = nameOf(BEFORE);
  if (table.type !== 'table') return [noTable(table, before)];
  const columns = await columnsOf(runner);
  const { remedy: rebuilding, note } = rebuilt(columns, nameOf);
  const uniqueKeys = await uniqueKeysOf(runner, rebuilding);
  const shape = { columns: columns.map((column) => shapeOf(column, columns, table)), uniqueKeys };
  const faults = shapeFaults(shape, mendingOf(rebuilding, before, table));
  if (faults.some(({ isAnother }) => isAnother)) return faults;
  faults.push(...typeFaults(columns, rebuilding, table), ...(await collationFaults(runner, rebuilding)));
  if (!hasUniqueKey(shape)) {
    const adding = `CREATE UNIQUE INDEX "${nameOf(UNIQUE_KEY)}" ON ${QUOTED} ("namespace", "key");`;
    faults.push(noUniqueKey(await repeated(runner), { adding, merging: rebuilding }));
  }
  // A new table mends everything at once.
  return faults.some(({ remedy }) => remedy === rebuilding)
    ? faults.map((fault) => ({ ...fault, remedy: rebuilding, note }))
    : faults;
}

function noTable({ type }: CatalogueTable, before: string): TableFault {
  const what = `it is no table but a ${type} of that name`;
  if (type !== 'view') return { what, ...settingAside(before), isAnother: true };
  // SQLite can't rename a view.
  const note =
    'The cache then begins empty. The tables that the view shows stay, but DROP VIEW forgets its definition: keep what ' +
    `SELECT sql FROM sqlite_schema WHERE name = '${CACHE_TABLE}' shows.`;
  return { what, remedy: `DROP VIEW ${QUOTED};`, note, isAnother: true };
}

function settingAside(before: string): { remedy: string; note: string } {
  return { remedy: `ALTER TABLE ${QUOTED} RENAME TO "${before}";`, note: setAsideNote(before) };
}

/** A type is usable if SQLite keeps a text that is stored in it. */
function typeFaults(
  columns: readonly CatalogueColumn[],
  rebuilding: string,
  { strict }: CatalogueTable,
): TableFault[] {
  const faults: TableFault[] = [];
  for (const { name, type } of columns) {
    const affinity = affinityOf(type, strict === 1);
    const keepsText = affinity === 'text' || affinity === 'none';
    const shown = type === '' ? 'without a type' : `of type ${type}`;
    if (['namespace', 'key', 'value'].includes(name) && !keepsText)
      faults.push({
        what: `its column ${name} is ${shown}, in which SQLite turns texts into numbers or refuses them`,
        remedy: rebuilding,
      });
    else if (name === 'updated_at' && strict === 1 && !keepsText)
      faults.push({
        what: `its column updated_at is ${shown}, which takes no text`,
        remedy: rebuilding,
      });
    else if (name === 'expires_at' && (affinity === 'text' || affinity === 'bytes'))
      faults.push({
        what: `its column expires_at is ${shown}, in which SQLite compares no numbers`,
        remedy: rebuilding,
      });
  }
  return faults;
}

/** By the rules that SQLite documents. */
function affinityOf(type: string, isStrict: boolean): 'text' | 'none' | 'number' | 'bytes' {
  if (isStrict) {
    if (/^any$/i.test(type)) return 'none';
    return /^text$/i.test(type) ? 'text' : /^blob$/i.test(type) ? 'bytes' : 'number';
  }
  if (/int/i.test(type)) return 'number';
  if (/char|clob|text/i.test(type)) return 'text';
  return type === '' || /blob/i.test(type) ? 'none' : 'number';
}

async function collationFaults(runner: QueryRunner, rebuilding: string): Promise<TableFault[]> {
  const texts = JSON.stringify(ALIKE);
  const [found] = (await runner.query(COLLATIONS, [texts, texts])) as Record<string, number>[];
  return ['namespace', 'key']
    .filter((column) => found?.[column] !== ALIKE.length)
    .map((column) => ({
      what: `the collation of its column ${column} takes different texts for the same`,
      remedy: rebuilding,
    }));
}

async function repeated(runner: QueryRunner): Promise<[string, string][]> {
  const rows = (await runner.query(
    `SELECT namespace, "key" FROM ${QUOTED} WHERE namespace IS NOT NULL AND "key" IS NOT NULL ` +
      'GROUP BY namespace, "key" HAVING COUNT(*) > 1 ORDER BY namespace, "key" LIMIT 3',
  )) as { namespace: unknown; key: unknown }[];
  return rows.map(({ namespace, key }) => [String(namespace), String(key)]);
}

function mendingOf(rebuilding: string, before: string, { strict }: CatalogueTable): Mending {
  return {
    setAside: settingAside(before),
    renameColumn: (from, to) => `ALTER TABLE ${QUOTED} RENAME COLUMN "${from}" TO "${to}";`,
    addColumn: (name) => {
      const [time, number] = strict === 1 ? ['TEXT', 'INTEGER'] : ['TIMESTAMP', 'bigint'];
      return `ALTER TABLE ${QUOTED} ADD COLUMN "${name}" ${name === 'updated_at' ? time : number};`;
    },
    freeColumn: () => rebuilding,
    plainColumn: () => rebuilding,
  };
}
