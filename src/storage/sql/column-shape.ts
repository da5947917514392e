/** `unknown` is what the database makes up for each row: a function. A sequence is known to give another value to each. */
export type Filling = 'none' | 'null' | 'zero' | 'the same in each row' | 'another in each row' | 'unknown';

export interface ColumnShape {
  readonly name: string;
  readonly isNullable: boolean;
  /** Nobody can write it: the database computes it. */
  readonly isGenerated: boolean;
  /** What a row has there that names no value. */
  readonly filling: Filling;
}

const OURS: ReadonlySet<string> = new Set([
  'namespace',
  'key',
  'value',
  'updated_at',
  'expires_at',
  'version',
]);

/** Whether a column is one that the cache writes. */
export function isOurs(column: string): boolean {
  return OURS.has(column);
}
