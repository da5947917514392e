import type { QueryRunner } from 'typeorm';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { fillingOf } from '../sql/default-value.js';
import type { ColumnShape, UniqueKeyShape } from '../sql/table-shape.js';

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
  SELECT l.name, l.partial, i.name AS "column", i.coll FROM pragma_index_list('${CACHE_TABLE}') l, pragma_index_xinfo(l.name) i
  WHERE l."unique" = 1 AND i."key" = 1 ORDER BY l.seq, i.seqno`;

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
    column: string | null;
    coll: string;
  }[];
  return [...new Set(parts.map(({ name }) => name))].map((name) => {
    const own = parts.filter((part) => part.name === name);
    return {
      name,
      columns: own.map(({ column }) => column ?? ''),
      isWhole: own.every(({ partial }) => partial === 0),
      isExact: own.every(({ coll }) => coll === 'BINARY'),
      // The index of a constraint can't be dropped.
      removal: name.startsWith('sqlite_autoindex_') ? rebuilding : `DROP INDEX "${name}";`,
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
    filling: isRowid ? 'unknown' : fillingOf(fallback, isNullable),
  };
}
