import type { CatalogueColumn } from './table-catalogue.js';

export const STAMP = 'bigint NOT NULL DEFAULT 0';
const INTEGERS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8']);

/** The statements that make the column of `table`, quoted, one for stamps. What it holds of another type is set aside. */
export function stampColumn({ name, type, domain, identity }: CatalogueColumn, table: string): string {
  const alter = (change: string): string => `ALTER TABLE ${table} ${change};`;
  const column = `ALTER COLUMN "${name}"`;
  if (!INTEGERS.has(domain?.type ?? type))
    return [
      alter(`RENAME COLUMN "${name}" TO "${name}_before"`),
      alter(`ALTER COLUMN "${name}_before" DROP NOT NULL`),
      alter(`ADD COLUMN "${name}" ${STAMP}`),
    ].join('\n');
  return [
    ...(identity ? [alter(`${column} DROP IDENTITY`)] : []),
    `UPDATE ${table} SET "${name}" = 0 WHERE "${name}" IS NULL;`,
    alter(`${column} DROP DEFAULT, ${column} TYPE bigint, ${column} SET DEFAULT 0, ${column} SET NOT NULL`),
  ].join('\n');
}
