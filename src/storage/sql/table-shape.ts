/** Something about the table that the cache can't work with. */
export interface TableFault {
  /** A sentence without its full stop. */
  readonly what: string;
  /** Rows that show it. */
  readonly examples?: string;
  /** The statements that mend it, each on a line of its own. */
  readonly remedy: string;
  /** What whoever runs them has to know, in sentences. */
  readonly note?: string;
  /** What is there is not the cache's table at all: no migration may touch it. */
  readonly isAnother?: boolean;
  /** No change of the table mends it, or there is none. */
  readonly isBeyondAdopting?: boolean;
}

/** A table as the database's catalogue has it. */
export interface TableShape {
  readonly columns: readonly ColumnShape[];
  /** Whether something of the table's own may fill in columns of a new row before they are looked at: a trigger. */
  readonly fillsItself?: boolean;
  readonly uniqueKeys: readonly UniqueKeyShape[];
}

/** `unknown` is what the database makes up for each row: a function, a sequence. */
export type Filling = 'none' | 'null' | 'the same in each row' | 'unknown';

export interface ColumnShape {
  readonly name: string;
  readonly isNullable: boolean;
  /** Nobody can write it: the database computes it. */
  readonly isGenerated: boolean;
  /** What a row has there that names no value. */
  readonly filling: Filling;
}

export interface UniqueKeyShape {
  readonly name: string;
  /** An expression has the name ''. */
  readonly columns: readonly string[];
  /** Whether the database refuses, or replaces, a second row at once, whatever the row. */
  readonly isWhole: boolean;
  /** Whether it compares whole values by exact characters. */
  readonly isExact: boolean;
  /** The statement that removes it. */
  readonly removal: string;
}

/** The statements that mend a table, in a database's words. */
export interface Mending {
  readonly setAside: Pick<TableFault, 'remedy' | 'note'>;
  /** Absent where the database takes capitals in a name for small letters. */
  renameColumn?(from: string, to: string): string;
  addColumn(name: 'updated_at' | 'expires_at'): string;
  /** Lets a column be left out, or be NULL. */
  freeColumn(name: string): string;
  /** Makes a computed column one that can be written. */
  plainColumn(name: string): string;
}

/** Without these it is no table of the cache's. */
const ESSENTIAL = ['namespace', 'key', 'value'];
const ADDED = ['updated_at', 'expires_at'] as const;
const OURS: ReadonlySet<string> = new Set([...ESSENTIAL, ...ADDED]);

/** What every table of the cache's has in common, in any database: its columns, and what is unique in it. */
export function shapeFaults(shape: TableShape, mending: Mending): TableFault[] {
  const { uniqueKeys } = shape;
  const columns = shape.fillsItself === true ? shape.columns.map(filledByItself) : shape.columns;
  const missing = (name: string): boolean => !columns.some((column) => column.name === name);
  const lost = ESSENTIAL.filter(missing);
  if (lost.length > 0) return missingColumns(lost, columns, mending);
  const faults: TableFault[] = ADDED.filter(missing).map((name) => ({
    what: `it has no column ${name}`,
    remedy: mending.addColumn(name),
  }));
  for (const { name, isGenerated, isNullable, filling } of columns) {
    if (isGenerated && OURS.has(name))
      faults.push({ what: `the database computes its column ${name}`, remedy: mending.plainColumn(name) });
    else if (name === 'expires_at' && !isNullable)
      faults.push({
        what: 'its column expires_at refuses NULL, which stands for never',
        remedy: mending.freeColumn(name),
      });
    else if (!OURS.has(name) && !isGenerated && filling === 'none' && !isNullable)
      faults.push({
        what: `its column ${name}, which the cache does not know, has to be filled in`,
        remedy: mending.freeColumn(name),
      });
  }
  for (const key of uniqueKeys)
    if (isInTheWay(key, columns)) faults.push({ what: strict(key), remedy: key.removal });
  return faults;
}

/** Whether some key says that there is one row for each namespace and key, and compares them exactly. */
export function hasUniqueKey({ uniqueKeys }: TableShape): boolean {
  return uniqueKeys.some((key) => key.isWhole && key.isExact && key.columns.length === 2 && coversBoth(key));
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
    isAnother: true,
  }));
}

/** The cache gives its own columns values; what becomes of the others nobody can tell. */
function filledByItself(column: ColumnShape): ColumnShape {
  return OURS.has(column.name) ? column : { ...column, filling: 'unknown' };
}

/** Whether a key takes rows for the same that the cache tells apart: only where that is certain, since its remedy is to drop it. */
function isInTheWay(key: UniqueKeyShape, columns: readonly ColumnShape[]): boolean {
  if (key.isExact && coversBoth(key)) return false;
  // NULLs are no duplicates of each other.
  return !key.columns.some((name) => {
    const filling = OURS.has(name) ? undefined : columns.find((column) => column.name === name)?.filling;
    return filling === 'null' || filling === 'unknown';
  });
}

function coversBoth({ columns }: UniqueKeyShape): boolean {
  return columns.includes('namespace') && columns.includes('key');
}

function strict({ name, columns }: UniqueKeyShape): string {
  const on = columns.map((column) => (column === '' ? 'an expression' : column)).join(', ');
  return `its unique key ${name} on (${on}) takes rows for the same that the cache tells apart`;
}

function shorten(key: string): string {
  return key.length > 80 ? `${key.slice(0, 80)}…` : key;
}
