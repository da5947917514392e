import type { QueryRunner } from 'typeorm';
import { freeName } from '../../../migrations/free-name.js';
import type { TableFault } from './table-fault.js';

/** What the statements of a remedy call a table or an index that they make. */
export type NameOf = (name: MadeName) => string;

export const BEFORE = 'cache_storage_before';
export const UNIQUE_KEY = 'idx_cache_namespace_key';
export const EXPIRY_INDEX = 'idx_cache_expires_at';
export const DEFAULT_PART = 'cache_storage_default';
type MadeName =
  typeof BEFORE | typeof UNIQUE_KEY | typeof EXPIRY_INDEX | typeof DEFAULT_PART | 'idx_cache_namespace';

/** No name of the database's own has it: there may be one like those that are made. */
const MARK = '\u0000';
const MARKED = new RegExp(`${MARK}([^${MARK}]+)${MARK}`, 'g');

/**
 * Which names are taken is asked for only where a remedy makes something of such a name: nearly every start finds nothing
 * wrong, and what a database refused to answer may have ended the transaction.
 */
export async function withFreeNames(
  runner: QueryRunner,
  faultsWith: (nameOf: NameOf) => Promise<TableFault[]>,
): Promise<TableFault[]> {
  const faults = await faultsWith((name) => `${MARK}${name}${MARK}`);
  const free = new Map<string, string>();
  for (const { remedy, note = '' } of faults)
    for (const [, name = ''] of `${remedy}${note}`.matchAll(MARKED))
      if (!free.has(name)) free.set(name, await freeName(runner, name));
  const named = (text: string): string =>
    text.replaceAll(MARKED, (_marked, name: string) => free.get(name) ?? name);
  return faults.map((fault) => renamed(fault, named));
}

function renamed(fault: TableFault, named: (text: string) => string): TableFault {
  const { remedy, note } = fault;
  return { ...fault, remedy: named(remedy), ...(note !== undefined && { note: named(note) }) };
}
