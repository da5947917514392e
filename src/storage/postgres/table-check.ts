import type { QueryRunner } from 'typeorm';
import { secondsFaults } from '../sql/expiry-faults.js';
import { BEFORE, withFreeNames, type NameOf } from '../sql/free-names.js';
import type { TableState } from '../sql/dialect.js';
import { probeFaults } from '../sql/probe-faults.js';
import { setAsideNote } from '../sql/set-aside.js';
import type { TableFault } from '../sql/table-fault.js';
import { probeTable, type ProbedDialect } from '../sql/table-probe.js';
import { filledColumns, shapeFaults } from '../sql/table-shape.js';
import { hasUniqueKey, isDoubtful, noUniqueKey } from '../sql/unique-keys.js';
import { attachmentFaults, attachmentsOf } from './attachments.js';
import { typeFaults } from './column-types.js';
import { collationFaults, repeated } from './compared-texts.js';
import { mendingOf, uniqueKey } from './mending.js';
import {
  allowsUniqueKey,
  partFaults,
  partitioningAttachment,
  partitioningOf,
  type Partitioning,
} from './partitions.js';
import { POSTGRES_PROBE } from './probe.js';
import { rebuilt, type RebuiltTable } from './rebuilt-table.js';
import {
  catalogueOf,
  removalOf,
  shapeOf,
  uniqueKeysOf,
  type Catalogue,
  type CatalogueKey,
} from './table-catalogue.js';

/** The migrations create it again when their bookkeeping table is empty. */
const missing = (table: string): TableFault => ({
  what: 'it is missing',
  isBeyondAdopting: true,
  remedy: `DELETE FROM ${table.replace(/"[^"]*"$/, '"cache_migrations"')};`,
});

const ORDINARY = 'r';
const PARTITIONED = 'p';
/** How other objects are named in statements. */
const OTHER_KINDS: Readonly<Record<string, string>> = {
  v: 'VIEW',
  m: 'MATERIALIZED VIEW',
  f: 'FOREIGN TABLE',
  S: 'SEQUENCE',
};

export interface PostgresTable {
  readonly runner: QueryRunner;
  readonly dialect: ProbedDialect;
  /** Quoted, with its schema. */
  readonly table: string;
  readonly state: TableState;
}

/** What the cache can't work with in a table of PostgreSQL. */
export function postgresTableFaults(table: PostgresTable): Promise<TableFault[]> {
  return withFreeNames(table.runner, (nameOf) => faultsOf(table, nameOf));
}

async function faultsOf(subject: PostgresTable, nameOf: NameOf): Promise<TableFault[]> {
  const { runner, table, dialect, state } = subject;
  const found = await catalogueOf(runner, table);
  if (found === undefined) return [missing(table)];
  const { kind, columns } = found;
  const before = nameOf(BEFORE);
  if (kind !== ORDINARY && kind !== PARTITIONED) return [noTable(kind, table, before)];
  const keys = found.keys ?? [];
  const uniqueKeys = uniqueKeysOf(keys, table);
  const shape = { columns: columns.map(shapeOf), uniqueKeys, fillsItself: found.triggered };
  const faults = shapeFaults(shape, mendingOf(columns, table, before));
  if (faults.some(({ isUntouchable }) => isUntouchable)) return faults;
  const lockedOut = securityFault(found, table);
  // It would not even take the question.
  if (lockedOut !== undefined) return [lockedOut];
  const partitioning = kind === PARTITIONED ? await partitioningOf(runner, table) : undefined;
  faults.push(...deferredFaults(keys, table), ...tableFaults(found, table));
  faults.push(...attachmentFaults(found, table), ...partFaults(found, partitioning, table, nameOf));
  const rebuilding = rebuilt(columns, table, nameOf);
  const ofTypes = [...typeFaults(columns, table)];
  // Of other types than texts, PostgreSQL would not even take the question.
  if (ofTypes.length === 0) ofTypes.push(...(await collationFaults(runner, table)));
  faults.push(...ofTypes.map((fault) => unlessFixed(fault, partitioning, rebuilding)));
  const ownKeys = uniqueKeysOf(
    keys.filter(({ part }) => part === null),
    table,
  );
  if (!hasUniqueKey(ownKeys)) {
    const fault = noUniqueKey(await repeated(runner, table), uniqueKey(columns, table));
    const isPossible = partitioning === undefined || allowsUniqueKey(partitioning);
    faults.push(isPossible ? fault : { ...fault, ...rebuilding });
  }
  if (state !== 'migrated' && columns.some(({ name, type }) => name === 'expires_at' && type === 'int8'))
    faults.push(...(await secondsFaults(runner, table, '"expires_at"')));
  // A new table mends everything at once.
  if (faults.some(({ remedy }) => remedy === rebuilding.remedy))
    return faults.map((fault) => ({ ...fault, ...rebuilding, isBeyondAdopting: true }));
  if (faults.length > 0 || state === 'unmigrated') return faults;
  const attachments = attachmentsOf(found, table);
  if (partitioning !== undefined)
    attachments.push(partitioningAttachment(partitioning, table, nameOf, rebuilding.remedy));
  const doubtful = uniqueKeys.filter((key) => isDoubtful(key, filledColumns(shape)));
  if (attachments.length === 0 && doubtful.length === 0) return [];
  return probeFaults(await probeTable(runner, dialect, POSTGRES_PROBE), { attachments, keys: doubtful });
}

function noTable(kind: string, table: string, before: string): TableFault {
  const other = OTHER_KINDS[kind];
  const shown = (other ?? 'thing').toLowerCase();
  return {
    what: `it is no table but a ${shown} of that name`,
    remedy: `ALTER ${other ?? 'TABLE'} ${table} RENAME TO "${before}";`,
    note: setAsideNote(before, shown),
    isUntouchable: true,
  };
}

/** Rows that policies hide would be neither found nor deleted. */
function securityFault({ policed, forced }: Catalogue, table: string): TableFault | undefined {
  if (!policed) return undefined;
  return {
    what: "row-level security holds for the cache's user, whose policies may hide rows from it",
    remedy: `ALTER TABLE ${table} ${forced ? 'NO FORCE' : 'DISABLE'} ROW LEVEL SECURITY;`,
    note: 'To keep the policies for other users, let the user of the cache pass them instead (ALTER ROLE … BYPASSRLS).',
    isUntouchable: true,
  };
}

function tableFaults({ persistence, typed }: Catalogue, table: string): TableFault[] {
  const faults: TableFault[] = [];
  if (persistence === 'u')
    faults.push({
      what: 'it is unlogged, and a crash of the server empties it',
      remedy: `ALTER TABLE ${table} SET LOGGED;`,
    });
  if (typed)
    faults.push({
      what: 'it is a table of a type, whose columns no migration can change',
      remedy: `ALTER TABLE ${table} NOT OF;`,
      isUntouchable: true,
    });
  return faults;
}

/** Next to one of these, ON CONFLICT refuses any other key. */
function deferredFaults(keys: readonly CatalogueKey[], table: string): TableFault[] {
  return keys
    .filter(({ deferrable, columns }) => deferrable && columns.toSorted().join() === 'key,namespace')
    .map((key) => ({
      what: `its unique key ${key.name} may wait for the end of a transaction`,
      remedy: removalOf(key, table),
    }));
}

/** What a table is partitioned by PostgreSQL does not change. */
function unlessFixed(
  fault: TableFault,
  partitioning: Partitioning | undefined,
  rebuilding: RebuiltTable,
): TableFault {
  const isFixed = fault.column !== undefined && partitioning?.columns.includes(fault.column) === true;
  return isFixed ? { ...fault, ...rebuilding } : fault;
}
