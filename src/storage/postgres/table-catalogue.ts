import type { QueryRunner } from 'typeorm';
import { fillingOf } from '../sql/default-value.js';
import type { ColumnShape } from '../sql/column-shape.js';
import { doubleQuoted } from '../sql/quoted-name.js';
import type { UniqueKeyShape } from '../sql/unique-keys.js';

export interface CatalogueColumn {
  readonly name: string;
  readonly type: string;
  /** Characters of a varchar, digits of a second; -1 for any number. */
  readonly length: number;
  readonly nullable: boolean;
  /** Of a domain: what it is made of, as it is written and by its own name. */
  readonly domain: { readonly whole: string; readonly type: string } | null;
  readonly fallback: string | null;
  /** '' where there is none; absent before PostgreSQL 10 and 12. */
  readonly identity?: string | null;
  readonly generated?: string | null;
}

export interface CatalogueKey {
  readonly name: string;
  /** Of which it is, quoted: a part of the table may have keys of its own. `null` for the table itself. */
  readonly part: string | null;
  readonly columns: readonly string[];
  readonly primary: boolean;
  readonly whole: boolean;
  readonly deferrable: boolean;
  readonly exact: boolean;
  readonly nullsAlike: boolean;
  readonly constraint: boolean;
  /** Foreign keys that need it, with their tables, quoted. */
  readonly dependents: readonly { readonly table: string; readonly name: string }[] | null;
}

/** A trigger, a rule or a constraint. */
export interface CatalogueAttachment {
  readonly kind: 'trigger' | 'rule' | 'check constraint' | 'exclusion constraint' | 'foreign key';
  readonly name: string;
  /** As that of a key. */
  readonly part: string | null;
  /** Of a trigger: whether it sees each row before it is stored. */
  readonly before: boolean;
  /** Of a constraint. */
  readonly columns: readonly string[] | null;
}

/** A table that is a part of it, or that inherits from it. */
interface CataloguePart {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly kind: string;
  readonly persistence: string;
}

export interface Catalogue {
  readonly kind: string;
  readonly persistence: string;
  /** Whether it is a table of a type. */
  readonly typed: boolean;
  /** Whether row-level security holds for the user. */
  readonly policed: boolean;
  /** And whether that is so although the table is the user's own. */
  readonly forced: boolean;
  readonly columns: readonly CatalogueColumn[];
  readonly keys: readonly CatalogueKey[] | null;
  readonly attachments: readonly CatalogueAttachment[] | null;
  readonly parts: readonly CataloguePart[] | null;
  /** Whether a trigger sees each row before it is checked. */
  readonly triggered: boolean;
}

const nameOf = (oid: string): string =>
  `(SELECT quote_ident(s.nspname) || '.' || quote_ident(n.relname) FROM pg_class n JOIN pg_namespace s ON s.oid = n.relnamespace WHERE n.oid = ${oid})`;
const partOf = (oid: string): string => `CASE WHEN ${oid} = c.oid THEN NULL ELSE ${nameOf(oid)} END`;

/** What not every version has is asked for as JSON. A trigger's type has bits: 1 for each row, 2 BEFORE, 4 INSERT, 8 DELETE, 16 UPDATE. */
const CATALOGUE = `
  WITH RECURSIVE tree AS (SELECT to_regclass($1)::oid AS "oid"
    UNION SELECT h.inhrelid FROM pg_inherits h JOIN tree ON h.inhparent = tree."oid")
  SELECT c.relkind AS "kind", c.relpersistence AS "persistence", c.reloftype <> 0 AS "typed",
    row_security_active(c.oid) AS "policed", c.relforcerowsecurity AND pg_has_role(c.relowner, 'USAGE') AS "forced",
    EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgtype & 7 = 7 AND g.tgenabled IN ('O', 'A')) AS "triggered",
    (SELECT json_agg(json_build_object('name', a.attname, 'type', t.typname, 'nullable', NOT a.attnotnull AND NOT t.typnotnull,
        'length', CASE WHEN t.typname LIKE 'timestamp%' THEN a.atttypmod WHEN a.atttypmod > 4 THEN a.atttypmod - 4 ELSE -1 END,
        'domain', CASE t.typtype WHEN 'd' THEN json_build_object('whole', format_type(t.typbasetype, t.typtypmod),
          'type', (SELECT b.typname FROM pg_type b WHERE b.oid = t.typbasetype)) END,
        'fallback', COALESCE(pg_get_expr(d.adbin, d.adrelid), t.typdefault),
        'identity', to_jsonb(a)->>'attidentity', 'generated', to_jsonb(a)->>'attgenerated') ORDER BY a.attnum)
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS "columns",
    (SELECT json_agg(json_build_object('name', i.relname, 'part', ${partOf('x.indrelid')}, 'primary', x.indisprimary,
        'whole', x.indpred IS NULL AND x.indisvalid, 'deferrable', NOT x.indimmediate,
        'nullsAlike', COALESCE(to_jsonb(x)->>'indnullsnotdistinct', 'false') = 'true',
        'constraint', EXISTS (SELECT 1 FROM pg_constraint k
          WHERE k.conrelid = x.indrelid AND k.conindid = x.indexrelid AND k.contype IN ('p', 'u')),
        'dependents', (SELECT json_agg(json_build_object('table', ${nameOf('k.conrelid')}, 'name', k.conname))
          FROM pg_depend e JOIN pg_constraint k ON k.oid = e.objid AND k.contype = 'f' AND k.coninhcount = 0
          WHERE e.classid = 'pg_constraint'::regclass AND e.refclassid = 'pg_class'::regclass AND e.refobjid = x.indexrelid),
        'exact', NOT EXISTS (SELECT 1 FROM pg_collation o
          WHERE o.oid = ANY (x.indcollation) AND to_jsonb(o)->>'collisdeterministic' = 'false'),
        'columns', (SELECT json_agg(COALESCE(a.attname, '') ORDER BY n.i)
          FROM generate_series(0, COALESCE((to_jsonb(x)->>'indnkeyatts')::int, x.indnatts) - 1) AS n(i)
            LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[n.i])))
      FROM tree JOIN pg_index x ON x.indrelid = tree."oid" JOIN pg_class i ON i.oid = x.indexrelid
      WHERE x.indisunique AND (x.indrelid = c.oid OR NOT EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = x.indexrelid)))
      AS "keys",
    (SELECT json_agg(json_build_object('kind', f.kind, 'name', f.name, 'part', ${partOf('f.rel')}, 'before', f.before, 'columns',
        (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = f.rel AND a.attnum = ANY (f.columns))))
      FROM (
        SELECT 'trigger' AS kind, g.tgname AS name, g.tgrelid AS rel, g.tgtype & 3 = 3 AS before, NULL::smallint[] AS columns
        FROM tree JOIN pg_trigger g ON g.tgrelid = tree."oid"
        WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND g.tgtype & 28 <> 0
          AND COALESCE(to_jsonb(g)->>'tgparentid', '0') = '0'
        UNION ALL SELECT 'rule', r.rulename, r.ev_class, false, NULL
        FROM tree JOIN pg_rewrite r ON r.ev_class = tree."oid"
        WHERE r.ev_type IN ('2', '3', '4') AND r.ev_enabled IN ('O', 'A')
        UNION ALL SELECT CASE k.contype WHEN 'c' THEN 'check constraint' WHEN 'x' THEN 'exclusion constraint' ELSE 'foreign key' END,
          k.conname, k.conrelid, false, k.conkey
        FROM tree JOIN pg_constraint k ON k.conrelid = tree."oid"
        WHERE k.contype IN ('c', 'x', 'f') AND k.coninhcount = 0
      ) f) AS "attachments",
    (SELECT json_agg(json_build_object('name', ${nameOf('p.oid')}, 'kind', p.relkind, 'persistence', p.relpersistence))
      FROM tree JOIN pg_class p ON p.oid = tree."oid" WHERE p.oid <> c.oid) AS "parts"
  FROM pg_class c WHERE c.oid = to_regclass($1)`;

/** What the catalogue says of `table`, quoted; `undefined` where there is none. Everybody may read it. */
export async function catalogueOf(runner: QueryRunner, table: string): Promise<Catalogue | undefined> {
  const [found] = (await runner.query(CATALOGUE, [table])) as Catalogue[];
  return found;
}

/** Whatever it is used for, a sequence gives no value twice, and of these functions that is hoped. */
const ALWAYS_ANOTHER = /^(?:nextval|gen_random_uuid|uuid_generate_v[14](?:mc)?|uuidv[47])\(/;

export function shapeOf({ name, nullable, fallback, identity, generated }: CatalogueColumn): ColumnShape {
  const isAnother = Boolean(identity) || ALWAYS_ANOTHER.test(fallback ?? '');
  return {
    name,
    isNullable: nullable,
    isGenerated: Boolean(generated),
    filling: isAnother ? 'another in each row' : fillingOf(fallback, nullable),
  };
}

export function uniqueKeysOf(keys: readonly CatalogueKey[], table: string): UniqueKeyShape[] {
  return keys.map((key) => ({
    name: key.name,
    ...(key.part !== null && { part: key.part }),
    columns: key.columns,
    isPrimary: key.primary,
    isWhole: key.whole && !key.deferrable,
    isExact: key.exact,
    areNullsAlike: key.nullsAlike,
    removal: removalOf(key, table),
  }));
}

/** The statements that remove the key, and the foreign keys that need it. */
export function removalOf({ name, constraint, part, dependents }: CatalogueKey, table: string): string {
  const owner = part ?? table;
  const foreign = (dependents ?? []).map(
    (other) => `ALTER TABLE ${other.table} DROP CONSTRAINT ${doubleQuoted(other.name)};`,
  );
  const own = constraint
    ? `ALTER TABLE ${owner} DROP CONSTRAINT ${doubleQuoted(name)};`
    : `DROP INDEX ${inSchemaOf(owner, doubleQuoted(name))};`;
  return [...foreign, own].join('\n');
}

/** `name`, quoted, in the schema of `table`, which is quoted where it has to be. */
export function inSchemaOf(table: string, name: string): string {
  return table.replace(/(?:"(?:[^"]|"")*"|[^".]+)$/, () => name);
}
