import { doubleQuoted } from '../sql/quoted-name.js';
import { setAsideNote } from '../sql/set-aside.js';
import type { Mending } from '../sql/table-shape.js';
import { STAMP, stampColumn } from './stamp-column.js';
import type { CatalogueColumn } from './table-catalogue.js';

const ADDED = { updated_at: 'timestamptz(3)', expires_at: 'bigint', version: STAMP } as const;

/** The statements that mend `table`, quoted; `before` is its name when it is set aside. */
export function mendingOf(columns: readonly CatalogueColumn[], table: string, before: string): Mending {
  const alter = (change: string): string => `ALTER TABLE ${table} ${change};`;
  const plainType = (name: string): string => {
    const whole = columns.find((column) => column.name === name)?.domain?.whole;
    return whole === undefined ? '' : `, ALTER COLUMN ${doubleQuoted(name)} TYPE ${whole}`;
  };
  return {
    setAside: { remedy: alter(`RENAME TO "${before}"`), note: setAsideNote(before) },
    renameColumn: (from, to) => alter(`RENAME COLUMN ${doubleQuoted(from)} TO ${doubleQuoted(to)}`),
    addColumn: (name) => alter(`ADD COLUMN "${name}" ${ADDED[name]}`),
    zeroColumn: (name) =>
      columns
        .filter((column) => column.name === name)
        .map((column) => stampColumn(column, table))
        .join('\n'),
    // A domain may refuse NULL by itself.
    freeColumn: (name) => alter(`ALTER COLUMN ${doubleQuoted(name)} DROP NOT NULL${plainType(name)}`),
    plainColumn: (name) => alter(`ALTER COLUMN ${doubleQuoted(name)} DROP EXPRESSION`),
  };
}

/** Of several rows with one key the newest stays. */
export function uniqueKey(
  columns: readonly CatalogueColumn[],
  table: string,
): { adding: string; merging: string; note: string } {
  const adding = `CREATE UNIQUE INDEX ON ${table} ("namespace", "key");`;
  const hasTimes = columns.some(({ name }) => name === 'updated_at');
  const age = (row: string): string =>
    hasTimes ? `(COALESCE(${row}."updated_at", '-infinity'), ${row}.ctid)` : `${row}.ctid`;
  const merging =
    `DELETE FROM ${table} "older" USING ${table} "newer" WHERE "older"."namespace" = "newer"."namespace" ` +
    `AND "older"."key" = "newer"."key" AND ${age('"older"')} < ${age('"newer"')};\n${adding}`;
  return { adding, merging, note: 'Of several rows of one key it deletes all but the newest.' };
}
