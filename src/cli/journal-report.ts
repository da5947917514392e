import { counted } from '../core/listed.js';
import type { RescuedWrite } from '../core/rescue/rescue-journal.js';
import type { CutOff, JournalContent } from '../storage/journal/content.js';

type KeyWrite = Extract<RescuedWrite, { key: string }>;

/** What a file of a rescue journal holds, line by line. */
export function* journalReport(
  path: string,
  { header, writes, damagedLine }: JournalContent,
  cutOff: CutOff | undefined,
  options: { readonly values: boolean },
): Generator<string> {
  const { version, isUnstamped, database, process, part, prefixes } = header;
  yield `Rescue journal: ${path}`;
  yield `Version: ${version}${isUnstamped ? ', which names neither databases nor stamps' : ''}`;
  if (!isUnstamped) {
    yield `Database: ${database ?? 'none is named'}`;
    yield `Process: ${process}, part ${part}, ${prefixes.length === 0 ? 'no stamps written' : `its stamps begin with ${prefixes.join(', ')}`}`;
  }
  if (damagedLine !== undefined) yield damageOf(damagedLine);
  for (const line of countsOf(writes)) yield line;
  for (const write of writes) yield* linesOf(write, isUnstamped, options.values);
  if (cutOff === undefined) return;
  yield amountOf(cutOff);
  for (const line of countsOf(cutOff.writes)) yield `not replayed: ${line}`;
  for (const write of cutOff.writes)
    for (const line of linesOf(write, isUnstamped, options.values)) yield `not replayed: ${line}`;
}

/** Where a file is damaged, and what a start makes of it. */
export function damageOf(line: number): string {
  return (
    `Damaged: line ${line} is broken or missing. A start replays what is before it, without what belongs to a write that is ` +
    'missing.'
  );
}

/** How much of a damaged file no start replays. */
export function amountOf({ writes, lost }: CutOff): string {
  const gone =
    lost === undefined ? 'the end of the file is missing' : `${counted(lost, 'write')} can't be read`;
  return `Not replayed: ${counted(writes.length, 'write')} that can be read yet; ${gone}.`;
}

/** A write as an object: with the names and the times of an export. */
export function journalObject(
  write: RescuedWrite,
  isCutOff: boolean,
  options: { readonly values: boolean },
): object {
  const { op, namespace } = write;
  switch (op) {
    case 'clear':
      return { op, namespace, isCutOff };
    case 'clear range':
      return { op, namespace, prefix: write.range.prefix, isWhole: write.range.isWhole, isCutOff };
    case 'delete':
      return { op, namespace, key: write.key, builtOn: builtOn(write), atom: write.atom ?? null, isCutOff };
    case 'put': {
      const { key, value, expiresAt, atom = null } = write;
      const content = { ...(options.values ? { value } : {}), bytes: Buffer.byteLength(value), expiresAt };
      return { op, namespace, key, ...content, builtOn: builtOn(write), atom, isCutOff };
    }
  }
}

function builtOn({ base }: KeyWrite): 'a row' | 'no row' | null {
  if (base === undefined) return null;
  return base === null ? 'no row' : 'a row';
}

function* linesOf(write: RescuedWrite, isUnstamped: boolean, withValues: boolean): Generator<string> {
  yield inWords(write, isUnstamped);
  if (withValues && write.op === 'put') yield `  ${write.value}`;
}

/** How many writes each namespace has. */
function countsOf(writes: readonly RescuedWrite[]): string[] {
  const counts = new Map<string, number>();
  for (const { namespace } of writes) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  return [...counts].map(([namespace, count]) => `${namespace}: ${counted(count, 'write')}`);
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
        ...(isUnstamped ? [] : [baseInWords(write)]),
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

function baseInWords(write: KeyWrite): string {
  const base = builtOn(write);
  return base === null ? 'blind' : `built on ${base}`;
}
