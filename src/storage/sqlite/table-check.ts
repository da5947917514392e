import type { QueryRunner } from 'typeorm';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { ALIKE } from '../sql/alike.js';
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
const BEFORE = `"${CACHE_TABLE}_before"`;
/** How many of them a column's collation tells apart: that of the first column holds for all of a compound SELECT. */
const tellsApart = (column: string): string =>
  `(SELECT COUNT(*) FROM (SELECT "${column}" FROM ${QUOTED} WHERE 0 UNION SELECT value FROM json_each(?)))`;
const COLLATIONS = `SELECT ${tellsApart('namespace')} AS namespace, ${tellsApart('key')} AS "key"`;

/** What the cache can't work with in a table of SQLite. Asks only: it writes nothing, and takes no lock. */
export async function sqliteTableFaults(runner: QueryRunner): Promise<TableFault[]> {
  const table = await tableOf(runner);
  if (table === undefined)
    return [{ what: 'it is missing', isBeyondAdopting: true, remedy: 'DELETE FROM "cache_migrations";' }];
  if (table.type !== 'table') return [noTable(table)];
  const columns = await columnsOf(runner);
  const uniqueKeys = await uniqueKeysOf(runner, rebuilt(columns));
  const shape = { columns: columns.map((column) => shapeOf(column, columns, table)), uniqueKeys };
  const faults = shapeFaults(shape, mendingOf(columns, table));
  if (faults.some(({ isAnother }) => isAnother)) return faults;
  faults.push(...typeFaults(columns, table), ...(await collationFaults(runner, columns)));
  if (!hasUniqueKey(shape)) {
    const adding = `CREATE UNIQUE INDEX "idx_cache_namespace_key" ON ${QUOTED} ("namespace", "key");`;
    faults.push(noUniqueKey(await repeated(runner), { adding, merging: rebuilt(columns) }));
  }
  // A new table mends everything at once.
  const all = rebuilt(columns);
  return faults.some(({ remedy }) => remedy === all)
    ? faults.map((fault) => ({ ...fault, remedy: all }))
    : faults;
}

function noTable({ type }: CatalogueTable): TableFault {
  // SQLite can't rename a view.
  const remedy = type === 'view' ? `DROP VIEW ${QUOTED};` : `ALTER TABLE ${QUOTED} RENAME TO ${BEFORE};`;
  return { what: `it is no table but a ${type} of that name`, remedy, isAnother: true };
}

/** A type is as good as what SQLite makes of a text that is stored in it. */
function typeFaults(columns: readonly CatalogueColumn[], { strict }: CatalogueTable): TableFault[] {
  const faults: TableFault[] = [];
  for (const { name, type } of columns) {
    const affinity = affinityOf(type, strict === 1);
    const keepsText = affinity === 'text' || affinity === 'none';
    const shown = type === '' ? 'without a type' : `of type ${type}`;
    if (['namespace', 'key', 'value'].includes(name) && !keepsText)
      faults.push({
        what: `its column ${name} is ${shown}, in which SQLite turns texts into numbers or refuses them`,
        remedy: rebuilt(columns),
      });
    else if (name === 'updated_at' && strict === 1 && !keepsText)
      faults.push({
        what: `its column updated_at is ${shown}, which takes no text`,
        remedy: rebuilt(columns),
      });
    else if (name === 'expires_at' && (affinity === 'text' || affinity === 'bytes'))
      faults.push({
        what: `its column expires_at is ${shown}, in which SQLite compares no numbers`,
        remedy: rebuilt(columns),
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

async function collationFaults(
  runner: QueryRunner,
  columns: readonly CatalogueColumn[],
): Promise<TableFault[]> {
  const texts = JSON.stringify(ALIKE);
  const [found] = (await runner.query(COLLATIONS, [texts, texts])) as Record<string, number>[];
  return ['namespace', 'key']
    .filter((column) => found?.[column] !== ALIKE.length)
    .map((column) => ({
      what: `the collation of its column ${column} takes different texts for the same`,
      remedy: rebuilt(columns),
    }));
}

async function repeated(runner: QueryRunner): Promise<[string, string][]> {
  const rows = (await runner.query(
    `SELECT namespace, "key" FROM ${QUOTED} WHERE namespace IS NOT NULL AND "key" IS NOT NULL ` +
      'GROUP BY namespace, "key" HAVING COUNT(*) > 1 ORDER BY namespace, "key" LIMIT 3',
  )) as { namespace: unknown; key: unknown }[];
  return rows.map(({ namespace, key }) => [String(namespace), String(key)]);
}

function mendingOf(columns: readonly CatalogueColumn[], { strict }: CatalogueTable): Mending {
  const rebuild = (): string => rebuilt(columns);
  return {
    setAside: `ALTER TABLE ${QUOTED} RENAME TO ${BEFORE};`,
    renameColumn: (from, to) => `ALTER TABLE ${QUOTED} RENAME COLUMN "${from}" TO "${to}";`,
    addColumn: (name) => {
      const [time, number] = strict === 1 ? ['TEXT', 'INTEGER'] : ['TIMESTAMP', 'bigint'];
      return `ALTER TABLE ${QUOTED} ADD COLUMN "${name}" ${name === 'updated_at' ? time : number};`;
    },
    freeColumn: rebuild,
    plainColumn: rebuild,
  };
}
