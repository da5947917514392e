import type { QueryRunner } from 'typeorm';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { ALIKE } from '../sql/alike.js';
import { BEFORE, UNIQUE_KEY, withFreeNames, type NameOf } from '../sql/free-names.js';
import { setAsideNote } from '../sql/set-aside.js';
import { secondsFaults } from '../sql/expiry-faults.js';
import type { TableState } from '../sql/dialect.js';
import { probeFaults } from '../sql/probe-faults.js';
import { doubleQuoted } from '../sql/quoted-name.js';
import type { TableFault } from '../sql/table-fault.js';
import { probeTable, type ProbedDialect } from '../sql/table-probe.js';
import { filledColumns, shapeFaults, type Mending } from '../sql/table-shape.js';
import { hasUniqueKey, isDoubtful, noUniqueKey } from '../sql/unique-keys.js';
import { instantIn } from './instant-order.js';
import { SQLITE_PROBE } from './probe.js';
import { rebuilt } from './rebuilt-table.js';
import {
  attachmentsOf,
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

export interface SqliteTable {
  readonly runner: QueryRunner;
  readonly dialect: ProbedDialect;
  readonly state: TableState;
}

/** What the cache can't work with in a table of SQLite. Writes nothing and takes no lock, unless the table has triggers and the like. */
export function sqliteTableFaults(table: SqliteTable): Promise<TableFault[]> {
  return withFreeNames(table.runner, (nameOf) => faultsOf(table, nameOf));
}

async function faultsOf({ runner, dialect, state }: SqliteTable, nameOf: NameOf): Promise<TableFault[]> {
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
  if (faults.some(({ isUntouchable }) => isUntouchable)) return faults;
  faults.push(...typeFaults(columns, rebuilding, table), ...(await collationFaults(runner, rebuilding)));
  if (!hasUniqueKey(uniqueKeys)) {
    const adding = `CREATE UNIQUE INDEX "${nameOf(UNIQUE_KEY)}" ON ${QUOTED} ("namespace", "key");`;
    faults.push(noUniqueKey(await repeated(runner), { adding, merging: rebuilding }));
  }
  const attachments = await attachmentsOf(runner, columns, rebuilding);
  faults.push(...attachments.faults);
  if (state !== 'migrated' && columns.some(({ name }) => name === 'expires_at'))
    faults.push(...(await expiryFaults(runner)));
  const doubtful = uniqueKeys.filter((key) => isDoubtful(key, filledColumns(shape)));
  if (state !== 'unmigrated' && faults.length === 0 && attachments.all.length + doubtful.length > 0) {
    const outcome = await probeTable(runner, dialect, SQLITE_PROBE);
    faults.push(...probeFaults(outcome, { attachments: attachments.all, keys: doubtful }));
  }
  // A new table mends everything at once.
  return faults.some(({ remedy }) => remedy === rebuilding)
    ? faults.map((fault) => ({ ...fault, remedy: rebuilding, note }))
    : faults;
}

/** In a column for numbers, texts stay texts: what they say would never be over. */
async function expiryFaults(runner: QueryRunner): Promise<TableFault[]> {
  const instant = instantIn('"expires_at"');
  const those = `WHERE typeof("expires_at") = 'text' AND ${instant} IS NOT NULL`;
  const found = (await runner.query(`SELECT 1 FROM ${QUOTED} ${those} LIMIT 1`)) as unknown[];
  const faults = await secondsFaults(runner, QUOTED, '"expires_at"');
  if (found.length === 0) return faults;
  return [
    {
      what: 'its column expires_at holds times as texts',
      remedy: `UPDATE ${QUOTED} SET "expires_at" = CAST(${instant} AS INTEGER) ${those};`,
      note: 'A time without a zone is taken for UTC.',
      isUntouchable: true,
    },
    ...faults,
  ];
}

function noTable({ type }: CatalogueTable, before: string): TableFault {
  const what = `it is no table but a ${type} of that name`;
  if (type !== 'view') return { what, ...settingAside(before), isUntouchable: true };
  // SQLite can't rename a view.
  const note =
    'The cache then begins empty. The tables that the view shows stay, but DROP VIEW forgets its definition: keep what ' +
    `SELECT sql FROM sqlite_schema WHERE name = '${CACHE_TABLE}' shows.`;
  return { what, remedy: `DROP VIEW ${QUOTED};`, note, isUntouchable: true };
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
    else if ((name === 'expires_at' || name === 'version') && (affinity === 'text' || affinity === 'bytes'))
      faults.push({
        what: `its column ${name} is ${shown}, in which SQLite compares no numbers`,
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
    renameColumn: (from, to) =>
      `ALTER TABLE ${QUOTED} RENAME COLUMN ${doubleQuoted(from)} TO ${doubleQuoted(to)};`,
    ignoresCapitals: true,
    addColumn: (name) => {
      const [time, number] = strict === 1 ? ['TEXT', 'INTEGER'] : ['TIMESTAMP', 'bigint'];
      const types = { updated_at: time, expires_at: number, version: `${number} NOT NULL DEFAULT 0` };
      return `ALTER TABLE ${QUOTED} ADD COLUMN "${name}" ${types[name]};`;
    },
    zeroColumn: () => rebuilding,
    freeColumn: () => rebuilding,
    plainColumn: () => rebuilding,
  };
}
