import type { QueryRunner } from 'typeorm';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { fillingOf } from '../sql/default-value.js';
import type { Attachment } from '../sql/attachment.js';
import { isOurs, type ColumnShape } from '../sql/column-shape.js';
import { doubleQuoted } from '../sql/quoted-name.js';
import type { TableFault } from '../sql/table-fault.js';
import type { UniqueKeyShape } from '../sql/unique-keys.js';

export interface CatalogueColumn {
  readonly name: string;
  /** The declared type, which may be any text. */
  readonly type: string;
  readonly notnull: number;
  readonly fallback: string | null;
  /** Its place in the primary key, from 1. */
  readonly pk: number;
  /** 2 and 3 for computed ones. */
  readonly hidden: number;
}

export interface CatalogueTable {
  readonly type: 'table' | 'view' | 'virtual' | 'shadow';
  /** WITHOUT ROWID. */
  readonly wr: number;
  readonly strict: number;
}

const TABLE = `SELECT type, wr, strict FROM pragma_table_list('${CACHE_TABLE}') WHERE schema = 'main'`;
const COLUMNS = `SELECT name, type, "notnull", dflt_value AS fallback, pk, hidden FROM pragma_table_xinfo('${CACHE_TABLE}')`;
const UNIQUE_KEYS = `
  SELECT l.name, l.partial, l.origin, i.name AS "column", i.coll FROM pragma_index_list('${CACHE_TABLE}') l, pragma_index_xinfo(l.name) i
  WHERE l."unique" = 1 AND i."key" = 1 ORDER BY l.seq, i.seqno`;

/** The table as it was made, its triggers, and the foreign keys on it, column by column. */
const ATTACHMENTS = `
  SELECT type, name, sql FROM sqlite_schema
  WHERE tbl_name = '${CACHE_TABLE}' COLLATE NOCASE AND type IN ('table', 'trigger')
  UNION ALL SELECT 'foreign key', lower("from"), NULL FROM pragma_foreign_key_list('${CACHE_TABLE}')`;
/** What ends the transaction of whoever writes: the rest of it would be committed on its own. */
const ENDS_TRANSACTION = /\bON\s+CONFLICT\s+ROLLBACK\b|\bRAISE\s*\(\s*ROLLBACK\b/i;
/** What a table says of rows that it would refuse, or put in the place of others. */
const CHECK = /\bCHECK\s*\(|\bON\s+CONFLICT\b/i;

export async function tableOf(runner: QueryRunner): Promise<CatalogueTable | undefined> {
  const [table] = (await runner.query(TABLE)) as CatalogueTable[];
  return table;
}

export async function columnsOf(runner: QueryRunner): Promise<CatalogueColumn[]> {
  return (await runner.query(COLUMNS)) as CatalogueColumn[];
}

/** `rebuilding` are the statements that make the table anew. */
export async function uniqueKeysOf(runner: QueryRunner, rebuilding: string): Promise<UniqueKeyShape[]> {
  const parts = (await runner.query(UNIQUE_KEYS)) as {
    name: string;
    partial: number;
    origin: string;
    column: string | null;
    coll: string;
  }[];
  return [...new Set(parts.map(({ name }) => name))].map((name) => {
    const own = parts.filter((part) => part.name === name);
    return {
      name,
      columns: own.map(({ column }) => column ?? ''),
      isPrimary: own.some(({ origin }) => origin === 'pk'),
      isWhole: own.every(({ partial }) => partial === 0),
      isExact: own.every(({ coll }) => coll === 'BINARY'),
      // That of a constraint can't be dropped.
      removal: name.startsWith('sqlite_autoindex_') ? rebuilding : `DROP INDEX ${doubleQuoted(name)};`,
    };
  });
}

export function shapeOf(
  { name, type, notnull, fallback, pk, hidden }: CatalogueColumn,
  columns: readonly CatalogueColumn[],
  { wr }: CatalogueTable,
): ColumnShape {
  const isNullable = notnull === 0;
  // INTEGER PRIMARY KEY is the number of the row.
  const isRowid = pk === 1 && wr === 0 && /^integer$/i.test(type) && !columns.some((other) => other.pk > 1);
  return {
    name,
    isNullable,
    isGenerated: hidden > 1,
    filling: isRowid ? 'another in each row' : fillingOf(fallback, isNullable),
  };
}

export interface Attachments {
  readonly all: readonly Attachment[];
  /** Those that no probe may touch, or can tell anything of. */
  readonly faults: readonly TableFault[];
}

/** What may do something else with a row than store it. `rebuilding` are the statements that make the table anew. */
export async function attachmentsOf(
  runner: QueryRunner,
  columns: readonly CatalogueColumn[],
  rebuilding: string,
): Promise<Attachments> {
  const found = (await runner.query(ATTACHMENTS)) as { type: string; name: string; sql: string | null }[];
  const all: Attachment[] = [];
  const faults: TableFault[] = [];
  const fault = (what: string, remedy: string): void => {
    faults.push({ what, remedy, isBeyondAdopting: true });
  };
  for (const { type, name, sql } of found) {
    const trigger = `DROP TRIGGER ${doubleQuoted(name)};`;
    if (type === 'trigger') all.push({ kind: type, name, removal: trigger });
    else if (type === 'foreign key') all.push({ kind: type, name, removal: rebuilding });
    else if (CHECK.test(sql ?? '')) all.push({ kind: 'check constraint', name: '', removal: rebuilding });
    if (ENDS_TRANSACTION.test(sql ?? ''))
      fault(
        `${type === 'trigger' ? `its trigger ${name}` : 'one of its constraints'} ends transactions that others began`,
        type === 'trigger' ? trigger : rebuilding,
      );
    // It may be checked as late as at the commit.
    if (type === 'foreign key' && isOurs(name))
      fault(`its foreign key on ${name} takes only what another table has`, rebuilding);
  }
  for (const { name, hidden } of columns)
    if (hidden > 1 && !isOurs(name)) all.push({ kind: 'computed column', name, removal: rebuilding });
  return { all, faults };
}
