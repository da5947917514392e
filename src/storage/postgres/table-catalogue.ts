import type { QueryRunner } from 'typeorm';
import { fillingOf } from '../sql/default-value.js';
import type { ColumnShape, UniqueKeyShape } from '../sql/table-shape.js';

export interface CatalogueColumn {
  readonly name: string;
  readonly type: string;
  /** Characters of a varchar, -1 for any number. */
  readonly length: number;
  readonly nullable: boolean;
  readonly fallback: string | null;
  /** '' where there is none; absent before PostgreSQL 10 and 12. */
  readonly identity?: string | null;
  readonly generated?: string | null;
}

export interface CatalogueKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly whole: boolean;
  readonly deferrable: boolean;
  readonly exact: boolean;
  readonly constraint: boolean;
}

export interface Catalogue {
  readonly kind: string;
  readonly persistence: string;
  readonly columns: readonly CatalogueColumn[];
  readonly keys: readonly CatalogueKey[] | null;
  /** Whether a trigger sees each row before it is checked. */
  readonly triggered: boolean;
}

/** Columns that not every version has are read as JSON. A trigger's type has one bit each for ROW, BEFORE and INSERT. */
const CATALOGUE = `
  SELECT c.relkind AS "kind", c.relpersistence AS "persistence",
    EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgtype & 7 = 7 AND g.tgenabled IN ('O', 'A')) AS "triggered",
    (SELECT json_agg(json_build_object('name', a.attname, 'type', t.typname, 'nullable', NOT a.attnotnull,
        'length', CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 ELSE -1 END,
        'fallback', COALESCE(pg_get_expr(d.adbin, d.adrelid), t.typdefault),
        'identity', to_jsonb(a)->>'attidentity', 'generated', to_jsonb(a)->>'attgenerated'))
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS "columns",
    (SELECT json_agg(json_build_object('name', i.relname, 'whole', x.indpred IS NULL AND x.indisvalid,
        'deferrable', NOT x.indimmediate,
        'constraint', EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u')),
        'exact', NOT EXISTS (SELECT 1 FROM pg_collation o
          WHERE o.oid = ANY (x.indcollation) AND to_jsonb(o)->>'collisdeterministic' = 'false'),
        'columns', (SELECT json_agg(COALESCE(a.attname, '') ORDER BY n.i)
          FROM generate_series(0, COALESCE((to_jsonb(x)->>'indnkeyatts')::int, x.indnatts) - 1) AS n(i)
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[n.i])))
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND x.indisunique) AS "keys"
  FROM pg_class c WHERE c.oid = to_regclass($1)`;

/** What the catalogue says of `table`, quoted; `undefined` where there is none. Everybody may read it. */
export async function catalogueOf(runner: QueryRunner, table: string): Promise<Catalogue | undefined> {
  const [found] = (await runner.query(CATALOGUE, [table])) as Catalogue[];
  return found;
}

export function shapeOf({ name, nullable, fallback, identity, generated }: CatalogueColumn): ColumnShape {
  return {
    name,
    isNullable: nullable,
    isGenerated: Boolean(generated),
    filling: identity ? 'unknown' : fillingOf(fallback, nullable),
  };
}

export function uniqueKeysOf(keys: readonly CatalogueKey[], table: string): UniqueKeyShape[] {
  return keys.map((key) => ({
    name: key.name,
    columns: key.columns,
    isWhole: key.whole && !key.deferrable,
    isExact: key.exact,
    removal: removalOf(key, table),
  }));
}

/** The statement that removes the key. */
export function removalOf({ name, constraint }: CatalogueKey, table: string): string {
  return constraint
    ? `ALTER TABLE ${table} DROP CONSTRAINT "${name}";`
    : `DROP INDEX ${table.replace(/"[^"]*"$/, `"${name}"`)};`;
}
