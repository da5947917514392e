import { counted } from '../core/listed.js';
import type { RescuedWrite } from '../core/rescue/rescue-journal.js';
import type { JournalContent } from '../storage/journal/content.js';

type KeyWrite = Extract<RescuedWrite, { key: string }>;

/** What a file of a rescue journal holds, line by line. */
export function* journalReport(
  path: string,
  { header, writes, damagedLine }: JournalContent,
  options: { readonly values: boolean },
): Generator<string> {
  const { version, isUnstamped, database, process, part, prefixes } = header;
  yield `Rescue journal: ${path}`;
  yield `Version: ${version}${isUnstamped ? ', which names neither databases nor stamps' : ''}`;
  if (!isUnstamped) {
    yield `Database: ${database ?? 'none is named'}`;
    yield `Process: ${process}, part ${part}, ${prefixes.length === 0 ? 'no stamps written' : `its stamps begin with ${prefixes.join(', ')}`}`;
  }
  if (damagedLine !== undefined) {
    yield (
      `Damaged: line ${damagedLine} is broken or missing. What follows is before it, without what belongs to a write ` +
      'that is missing.'
    );
  }
  for (const [namespace, count] of countsOf(writes)) yield `${namespace}: ${counted(count, 'write')}`;
  for (const write of writes) {
    yield inWords(write, isUnstamped);
    if (options.values && write.op === 'put') yield `  ${write.value}`;
  }
}

function countsOf(writes: readonly RescuedWrite[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { namespace } of writes) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  return counts;
}

function inWords(write: RescuedWrite, isUnstamped: boolean): string {
  const { op, namespace } = write;
  switch (op) {
    case 'clear':
      return `clear ${namespace}`;
    case 'clear range': {
      const { prefix, isWhole } = write.range;
      const keys = `${isWhole ? 'the key' : 'keys that begin with'} ${JSON.stringify(prefix)}`;
      return `${op} ${namespace}: ${keys}`;
    }
    case 'put':
    case 'delete': {
      const parts = [
        ...(op === 'put' ? [sizeOf(write.value), expiryOf(write.expiresAt)] : []),
        ...(isUnstamped ? [] : [baseOf(write)]),
        ...(write.atom === undefined ? [] : [`together with others (${write.atom})`]),
      ];
      const details = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
      return `${op} ${namespace} ${JSON.stringify(write.key)}${details}`;
    }
  }
}

function sizeOf(value: string): string {
  return counted(Buffer.byteLength(value), 'byte');
}

function expiryOf(expiresAt: number | null): string {
  if (expiresAt === null) return 'never expires';
  const date = new Date(expiresAt);
  // A codec of the application's own sets no bound to it.
  return `expires ${Number.isNaN(date.getTime()) ? `${expiresAt} ms after 1970` : date.toISOString()}`;
}

function baseOf({ base }: KeyWrite): string {
  if (base === undefined) return 'blind';
  return base === null ? 'built on no row' : 'built on a row';
}
