import { inMilliseconds, SECONDS_NOTE, ZONE_NOTE } from '../sql/expiry-faults.js';
import type { TableFault } from '../sql/table-fault.js';
import { LEAST_DIGITS } from '../sql/timestamp.js';
import { stampColumn } from './stamp-column.js';
import type { CatalogueColumn } from './table-catalogue.js';

/** Least characters of a column, and what it becomes. */
const TEXTS = {
  namespace: { least: 128, type: 'text COLLATE "C"' },
  key: { least: 512, type: 'text COLLATE "C"' },
  value: { least: Infinity, type: 'text' },
} as const;
type TextColumn = keyof typeof TEXTS;
const isText = (name: string): name is TextColumn => Object.hasOwn(TEXTS, name);

export const TIMES: ReadonlySet<string> = new Set(['timestamp', 'timestamptz', 'date']);
const NUMBERS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8']);

/** The milliseconds that `column` means, as an expression; `undefined` where its type does not say. */
export function inMillisecondsOf(column: string, type: string): string | undefined {
  const quoted = `"${column}"`;
  if (NUMBERS.has(type)) return `(${inMilliseconds(`${quoted}::numeric`)})::bigint`;
  if (!TIMES.has(type)) return undefined;
  return `CASE WHEN isfinite(${quoted}) THEN (EXTRACT(EPOCH FROM ${quoted}::timestamptz) * 1000)::bigint END`;
}

/** The columns of `table`, quoted, that don't bring back what was stored in them. */
export function typeFaults(columns: readonly CatalogueColumn[], table: string): TableFault[] {
  return columns.flatMap((column): TableFault[] => {
    const { name, type, length } = column;
    const alter = (change: string): string => `ALTER TABLE ${table} ${change};`;
    const fault = (better: string, remedy: string, note = ''): TableFault[] => [
      {
        what: `its column ${name} is of type ${type}${length >= 0 ? `(${length})` : ''}, and needs to be ${better}`,
        column: name,
        remedy,
        ...(note !== '' && { note }),
      },
    ];
    if (isText(name)) {
      const { least, type: better } = TEXTS[name];
      if (type === 'text' || (type === 'varchar' && (length < 0 || length >= least))) return [];
      const using = type === 'bytea' ? ` USING convert_from("${name}", 'UTF8')` : '';
      return fault('text', alter(`ALTER COLUMN "${name}" TYPE ${better}${using}`));
    }
    const base = column.domain?.type ?? type;
    const aside = (better: string): string =>
      `${alter(`RENAME COLUMN "${name}" TO "${name}_before"`)}\n${alter(`ADD COLUMN "${name}" ${better}`)}`;
    if (name === 'expires_at' && type !== 'int8') {
      const converted = inMillisecondsOf(name, base);
      if (converted === undefined)
        return fault(
          'bigint',
          aside('bigint'),
          `Rows that are there then never expire: what ${name} said stays as ${name}_before.`,
        );
      const change = `ALTER COLUMN "${name}" DROP DEFAULT, ALTER COLUMN "${name}" TYPE bigint USING ${converted}`;
      return fault('bigint', alter(change), NUMBERS.has(base) ? SECONDS_NOTE : zoneNote(base));
    }
    if (name === 'version' && type !== 'int8') return fault('bigint', stampColumn(column, table));
    if (name !== 'updated_at' || (type === 'timestamptz' && (length < 0 || length >= LEAST_DIGITS)))
      return [];
    if (!TIMES.has(base)) return fault('timestamptz', aside('timestamptz(3)'));
    return fault('timestamptz(3)', alter(`ALTER COLUMN "${name}" TYPE timestamptz(3)`), zoneNote(base));
  });
}

function zoneNote(type: string): string {
  return type === 'timestamptz' ? '' : ZONE_NOTE;
}
