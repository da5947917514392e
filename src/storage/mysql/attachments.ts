import type { QueryRunner } from 'typeorm';
import type { Attachment } from '../sql/attachment.js';
import { isOurs } from '../sql/column-shape.js';
import { backQuoted } from '../sql/quoted-name.js';
import type { TableFault } from '../sql/table-fault.js';
import { wholeType } from './column-types.js';
import { isComputed, type CatalogueColumn } from './table-catalogue.js';

interface Found {
  readonly kind: 'trigger' | 'check constraint' | 'foreign key';
  readonly name: string;
  /** Of a trigger when it runs, of a foreign key the column. */
  readonly detail: string;
}

const TABLE = '`cache_storage`';
const JSON_NOTE =
  'On MariaDB the driver takes a column with the check json_valid for JSON, and gives back objects.';
const HERE = "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'cache_storage'";
const ATTACHMENTS = `
  SELECT 'trigger' AS \`kind\`, TRIGGER_NAME AS \`name\`, CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION) AS \`detail\`
  FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = 'cache_storage'
  UNION ALL SELECT 'check constraint', CONSTRAINT_NAME, '' FROM information_schema.TABLE_CONSTRAINTS
  WHERE ${HERE} AND CONSTRAINT_TYPE = 'CHECK'
  UNION ALL SELECT 'foreign key', CONSTRAINT_NAME, LOWER(COLUMN_NAME) FROM information_schema.KEY_COLUMN_USAGE
  WHERE ${HERE} AND REFERENCED_TABLE_NAME IS NOT NULL`;

export interface Attachments {
  readonly all: readonly Attachment[];
  /** What no probe has to tell: names that another table has to know. */
  readonly faults: readonly TableFault[];
  /** Whether a trigger sees each row before it is checked. MySQL tells a user without the right TRIGGER of none. */
  readonly fillColumns: boolean;
}

/** What may do something else with a row than store it. */
export async function attachmentsOf(
  runner: QueryRunner,
  columns: readonly CatalogueColumn[],
): Promise<Attachments> {
  const found = (await runner.query(ATTACHMENTS)) as Found[];
  const all = found.map(({ kind, name }): Attachment => ({
    kind,
    name,
    removal: removalOf(kind, name, columns),
    ...(kind === 'check constraint' && name === 'value' && { note: JSON_NOTE }),
  }));
  for (const column of columns)
    if (isComputed(column) && !isOurs(column.name))
      all.push({
        kind: 'computed column',
        name: column.name,
        removal: `ALTER TABLE ${TABLE} DROP COLUMN ${backQuoted(column.name)};`,
      });
  if (columns.some(({ options }) => /\bpartitioned\b/i.test(options ?? '')))
    all.push({ kind: 'partitioning', name: '', removal: `ALTER TABLE ${TABLE} REMOVE PARTITIONING;` });
  const faults = found
    .filter(({ kind, detail }) => kind === 'foreign key' && isOurs(detail))
    .map(({ kind, name }) => ({
      what: `its foreign key ${name} takes only what another table has`,
      remedy: removalOf(kind, name, columns),
      isBeyondAdopting: true,
    }));
  return { all, faults, fillColumns: found.some(({ detail }) => detail === 'BEFORE INSERT') };
}

function removalOf(kind: Attachment['kind'], name: string, columns: readonly CatalogueColumn[]): string {
  if (kind === 'trigger') return `DROP TRIGGER ${backQuoted(name)};`;
  if (kind === 'foreign key') return `ALTER TABLE ${TABLE} DROP FOREIGN KEY ${backQuoted(name)};`;
  // MariaDB names the check of a column after it, and forgets it only with what else the column was said to be.
  const column = columns.find((other) => other.name === name.toLowerCase() && /mariadb/i.test(other.version));
  if (column === undefined) return `ALTER TABLE ${TABLE} DROP CONSTRAINT ${backQuoted(name)};`;
  const nullability = column.nullable === 'YES' ? 'NULL' : 'NOT NULL';
  return `ALTER TABLE ${TABLE} MODIFY ${backQuoted(column.name)} ${wholeType(column)} ${nullability};`;
}
