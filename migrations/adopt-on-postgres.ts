import type { QueryRunner } from 'typeorm';
import { quotedTable, repeatsKeys } from './database-family.js';
import { freeName } from './free-name.js';
import { hasUniqueKey, UNIQUE_KEY } from './indexes.js';

interface PostgresColumn {
  readonly name: string;
  readonly type: string;
  readonly collation: string | null;
  /** Digits of a second, -1 for all there are. */
  readonly digits: number;
  /** Of the table. */
  readonly kind: string;
  readonly persistence: string;
}

/** PostgreSQL makes of most types the text that it shows; of bytes that would be their hexadecimal digits. */
const BYTES = 'bytea';
const TIMES = new Set(['timestamp', 'timestamptz', 'date']);

/** Needs to own the table. */
export async function adoptOnPostgres(queryRunner: QueryRunner): Promise<void> {
  const table = quotedTable(queryRunner.connection);
  const columns = (await queryRunner.query(
    `SELECT a.attname AS "name", t.typname AS "type", o.collname AS "collation", a.atttypmod AS "digits", c.relkind AS "kind", c.relpersistence AS "persistence"
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid
       LEFT JOIN pg_collation o ON o.oid = a.attcollation
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`,
    [table],
  )) as PostgresColumn[];
  const find = (name: string): PostgresColumn | undefined => columns.find((column) => column.name === name);
  const parted = columns.some(({ kind }) => kind === 'p') ? await partitionedBy(queryRunner, table) : [];
  // What a table is partitioned by can't be changed.
  const changes = toTexts(columns.filter(({ name }) => !parted.includes(name)));
  const updatedAt = find('updated_at')?.type;
  const isFixed = parted.includes('updated_at') || isPrecise(find('updated_at'));
  // A time without a zone was written in the session's zone, which is the one that this conversion assumes.
  if (updatedAt === undefined) changes.push('ADD COLUMN "updated_at" timestamptz(3)');
  else if (TIMES.has(updatedAt) && !isFixed) changes.push('ALTER COLUMN "updated_at" TYPE timestamptz(3)');
  if (changes.length > 0) await queryRunner.query(`ALTER TABLE ${table} ${changes.join(', ')}`);
  // Not with the column: then the rows that are there would say that they were written now.
  if (updatedAt === undefined)
    await queryRunner.query(`ALTER TABLE ${table} ALTER COLUMN "updated_at" SET DEFAULT CURRENT_TIMESTAMP`);
  // A crash of the server empties an unlogged table.
  if (columns.some(({ persistence }) => persistence === 'u'))
    await queryRunner.query(`ALTER TABLE ${table} SET LOGGED`);
  // What it is partitioned by has to be in each of its keys.
  const allowsKey = parted.every((column) => column === 'namespace' || column === 'key');
  if (allowsKey && !(await hasUniqueKey(queryRunner)) && !(await repeatsKeys(queryRunner)))
    await queryRunner.query(
      `CREATE UNIQUE INDEX "${await freeName(queryRunner, UNIQUE_KEY)}" ON ${table} ("namespace", "key")`,
    );
}

/** The columns that a table is partitioned by; an expression has the name ''. */
async function partitionedBy(queryRunner: QueryRunner, table: string): Promise<string[]> {
  const rows = (await queryRunner.query(
    `SELECT COALESCE(a.attname, '') AS "name" FROM pg_partitioned_table p CROSS JOIN unnest(p.partattrs) AS n(i)
       LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = n.i WHERE p.partrelid = to_regclass($1)`,
    [table],
  )) as { name: string }[];
  return rows.map(({ name }) => name);
}

function isPrecise(column: PostgresColumn | undefined): boolean {
  return column?.type === 'timestamptz' && (column.digits < 0 || column.digits >= 3);
}

/** Only what has to be changed: PostgreSQL refuses it for a column that a view, a computed column or a partition builds on. */
function toTexts(columns: readonly PostgresColumn[]): string[] {
  return columns.flatMap(({ name, type, collation, kind }) => {
    if (type === BYTES) return [];
    if (name === 'value') return type === 'text' ? [] : ['ALTER COLUMN "value" TYPE text'];
    const isKey = name === 'namespace' || name === 'key';
    if (!isKey || (type === 'text' && (collation === 'C' || kind === 'p'))) return [];
    return [`ALTER COLUMN "${name}" TYPE text COLLATE "C"`];
  });
}
