import { isOurs, type ColumnShape } from './column-shape.js';
import type { TableFault } from './table-fault.js';

export interface UniqueKeyShape {
  readonly name: string;
  /** The part of the table that has it, where the table itself has not. */
  readonly part?: string;
  /** An expression has the name ''. */
  readonly columns: readonly string[];
  readonly isPrimary: boolean;
  /** Whether the database refuses, or replaces, a second row at once, whatever the row. */
  readonly isWhole: boolean;
  /** Whether it compares whole values by exact characters. */
  readonly isExact: boolean;
  /** Whether it takes one NULL for another. Default false. */
  readonly areNullsAlike?: boolean;
  /** The statement that removes it. */
  readonly removal: string;
}

/** Whether some key says that there is one row for each namespace and key, and compares them exactly. */
export function hasUniqueKey(keys: readonly UniqueKeyShape[]): boolean {
  return keys.some((key) => key.isWhole && key.isExact && key.columns.length === 2 && coversBoth(key));
}

/** `examples` are keys with several rows, a few of them: `adding` is the remedy where there are none, `merging` where there are, with its `note`. */
export function noUniqueKey(
  examples: readonly (readonly [string, string])[],
  { adding, merging, note }: { readonly adding: string; readonly merging: string; readonly note?: string },
): TableFault {
  const what = 'it has no unique key on exactly (namespace, key)';
  if (examples.length === 0) return { what, remedy: adding };
  const shown = examples.map(([namespace, key]) => JSON.stringify([namespace, shorten(key)])).join(', ');
  const examplesShown = `there are several rows of ${shown}`;
  return { what, examples: examplesShown, remedy: merging, ...(note !== undefined && { note }) };
}

/** Whether a key takes rows for the same that the cache tells apart: only where that is certain, since its remedy is to drop it. */
export function isInTheWay(key: UniqueKeyShape, columns: readonly ColumnShape[]): boolean {
  if (key.isExact && coversBoth(key)) return false;
  return !tellsRowsApart(key, columns) && !fillings(key, columns).includes('unknown');
}

/** Whether only rows that are written show what the key takes for the same. */
export function isDoubtful(key: UniqueKeyShape, columns: readonly ColumnShape[]): boolean {
  if (key.isExact && coversBoth(key)) return false;
  return !tellsRowsApart(key, columns) && fillings(key, columns).includes('unknown');
}

export function coversBoth({ columns }: UniqueKeyShape): boolean {
  return columns.includes('namespace') && columns.includes('key');
}

export function strict({ name, part, columns }: UniqueKeyShape): string {
  const on = columns.map((column) => (column === '' ? 'an expression' : column)).join(', ');
  const whose = part === undefined ? '' : ` of its part ${part}`;
  return `its unique key ${name}${whose} on (${on}) takes rows for the same that the cache tells apart`;
}

/** NULLs are no duplicates of each other, as a rule. */
function tellsRowsApart(key: UniqueKeyShape, columns: readonly ColumnShape[]): boolean {
  const found = fillings(key, columns);
  return found.includes('another in each row') || (found.includes('null') && key.areNullsAlike !== true);
}

/** What the columns have that the cache does not write; an expression may give anything. */
function fillings(
  { columns: names }: UniqueKeyShape,
  columns: readonly ColumnShape[],
): ColumnShape['filling'][] {
  return names.flatMap((name) => {
    if (name === '') return ['unknown'];
    const column = columns.find((other) => other.name === name);
    return column === undefined || isOurs(name) ? [] : [column.filling];
  });
}

function shorten(key: string): string {
  return key.length > 80 ? `${key.slice(0, 80)}…` : key;
}
