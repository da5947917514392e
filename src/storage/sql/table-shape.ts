import { isOurs, type ColumnShape } from './column-shape.js';
import type { TableFault } from './table-fault.js';
import { coversBoth, isInTheWay, strict, type UniqueKeyShape } from './unique-keys.js';

/** A table as the database's catalogue has it. */
export interface TableShape {
  readonly columns: readonly ColumnShape[];
  /** Whether something of the table's own may fill in columns of a new row before they are looked at: a trigger. */
  readonly fillsItself?: boolean;
  readonly uniqueKeys: readonly UniqueKeyShape[];
}

/** The statements that mend a table, in a database's words. */
export interface Mending {
  readonly setAside: Pick<TableFault, 'remedy' | 'note'>;
  /** Absent where the database takes capitals in a name for small letters, in what it answers too. */
  renameColumn?(from: string, to: string): string;
  /** Whether capitals make no other name, although the database answers with them. */
  readonly ignoresCapitals?: boolean;
  addColumn(name: AddedColumn): string;
  /** Has NULL in no row of the column, and 0 in rows that name no value. */
  zeroColumn(name: 'version'): string;
  /** Lets a column be left out, or be NULL. */
  freeColumn(name: string): string;
  /** Makes a computed column one that can be written. */
  plainColumn(name: string): string;
}

/** Without these it is no table of the cache's. */
const ESSENTIAL = ['namespace', 'key', 'value'];
const ADDED = ['updated_at', 'expires_at', 'version'] as const;
type AddedColumn = (typeof ADDED)[number];

/** What every table of the cache's has in common, in any database: its columns, and what is unique in it. */
export function shapeFaults(shape: TableShape, mending: Mending): TableFault[] {
  const { uniqueKeys } = shape;
  const columns = filledColumns(shape);
  const missing = (name: string): boolean => !columns.some((column) => column.name === name);
  const lost = ESSENTIAL.filter(missing);
  const misspelled = misspelledColumns(columns, mending);
  const areOthersThere = lost.every((name) => misspelled.has(name));
  if (misspelled.size > 0 && areOthersThere) return [...misspelled.values()];
  if (lost.length > 0) return missingColumns(lost, columns, mending);
  const faults: TableFault[] = ADDED.filter(missing).map((name) => ({
    what: `it has no column ${name}`,
    remedy: mending.addColumn(name),
  }));
  for (const { name, isGenerated, isNullable, filling } of columns) {
    if (isGenerated && isOurs(name))
      faults.push({ what: `the database computes its column ${name}`, remedy: mending.plainColumn(name) });
    else if (name === 'expires_at' && !isNullable)
      faults.push({
        what: 'its column expires_at refuses NULL, which stands for never',
        remedy: mending.freeColumn(name),
      });
    else if (name === 'version' && (isNullable || filling !== 'zero'))
      faults.push({
        what: 'its column version is not NOT NULL with the default 0, which others who write have to leave in a row',
        remedy: mending.zeroColumn(name),
      });
    else if (!isOurs(name) && !isGenerated && filling === 'none' && !isNullable)
      faults.push({
        what: `its column ${name}, which the cache does not know, has to be filled in`,
        // As long as it is in the primary key, no column may be NULL.
        remedy: [...primaryKeysOn(name, uniqueKeys), mending.freeColumn(name)].join('\n'),
      });
  }
  for (const key of uniqueKeys)
    if (isInTheWay(key, columns)) faults.push({ what: strict(key), remedy: key.removal });
  return faults;
}

/** The columns with what a new row has there, as far as that can be told. */
export function filledColumns({ columns, fillsItself }: TableShape): readonly ColumnShape[] {
  return columns.map((column) =>
    // The cache gives its own columns values; what becomes of the others nobody can tell.
    !isOurs(column.name) && (column.isGenerated || fillsItself === true)
      ? { ...column, filling: 'unknown' }
      : column,
  );
}

function primaryKeysOn(column: string, keys: readonly UniqueKeyShape[]): string[] {
  return keys
    .filter(
      (key) =>
        key.isPrimary && key.columns.includes(column) && !(coversBoth(key) && key.columns.length === 2),
    )
    .map(({ removal }) => removal);
}

/** By the names that they should have. */
function misspelledColumns(
  columns: readonly ColumnShape[],
  mending: Mending,
): ReadonlyMap<string, TableFault> {
  const faults = new Map<string, TableFault>();
  if (mending.ignoresCapitals !== true) return faults;
  for (const { name } of columns) {
    const right = name.toLowerCase();
    const remedy = isOurs(right) && right !== name ? mending.renameColumn?.(name, right) : undefined;
    if (remedy !== undefined)
      faults.set(right, { what: `its column ${right} is written ${name}`, remedy, isUntouchable: true });
  }
  return faults;
}

function missingColumns(
  lost: readonly string[],
  columns: readonly ColumnShape[],
  mending: Mending,
): TableFault[] {
  const renaming = (name: string): string | undefined => {
    const alike = columns.find((column) => column.name.toLowerCase() === name);
    return alike && mending.renameColumn?.(alike.name, name);
  };
  const areAllThere = lost.every((name) => renaming(name) !== undefined);
  return lost.map((name) => ({
    what: `it has no column ${name}`,
    ...(areAllThere ? { remedy: renaming(name) ?? '' } : mending.setAside),
    isUntouchable: true,
  }));
}
