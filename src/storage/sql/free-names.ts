import type { QueryRunner } from 'typeorm';
import { freeName } from '../../../migrations/free-name.js';
import type { TableFault } from './table-shape.js';

/** What the statements of a remedy call a table or an index that they make. */
export type NameOf = (name: MadeName) => string;

export const BEFORE = 'cache_storage_before';
export const UNIQUE_KEY = 'idx_cache_namespace_key';
const MADE = [BEFORE, UNIQUE_KEY, 'idx_cache_namespace', 'idx_cache_expires_at'] as const;
type MadeName = (typeof MADE)[number];

/**
 * Which names are taken is asked for only where a remedy makes something of such a name: nearly every start finds nothing
 * wrong, and what a database refused to answer may have ended the transaction.
 */
export async function withFreeNames(
  runner: QueryRunner,
  faultsWith: (nameOf: NameOf) => Promise<TableFault[]>,
): Promise<TableFault[]> {
  const faults = await faultsWith((name) => name);
  if (!faults.some(({ remedy }) => MADE.some((name) => remedy.includes(name)))) return faults;
  const free = new Map<string, string>();
  for (const name of MADE) free.set(name, await freeName(runner, name));
  return faultsWith((name) => free.get(name) ?? name);
}
