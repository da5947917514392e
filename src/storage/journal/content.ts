import type { RescuedWrite } from '../../core/rescue/rescue-journal.js';
import { headerLine, headerOf, type JournalHeader } from './header.js';
import { decodeLine, encodeLine, linesOf } from './lines.js';

/** What a file holds. */
export interface JournalContent {
  readonly header: JournalHeader;
  /** In the order they took effect; of a damaged file those before the damage, without atoms that may be incomplete. */
  readonly writes: readonly RescuedWrite[];
  /** The number of the first line that is damaged or missing; `undefined` where the file is whole. */
  readonly damagedLine: number | undefined;
}

/** A write as a line: where it belongs to an atom, with the number of writes in that one. */
type WriteLine = RescuedWrite & { readonly of?: number };
/** What a line of the version before says instead of what it is built on. */
interface TimesBefore {
  readonly at?: number;
  readonly underway?: string | null;
}

type Line = WriteLine | { readonly end: number };

/** The lines of a file. */
export function* journalLines(
  header: Parameters<typeof headerLine>[0],
  writes: readonly RescuedWrite[],
): Generator<string> {
  yield encodeLine(headerLine(header));
  const sizes = atomSizes(writes);
  for (const write of writes) {
    const atom = atomOf(write);
    yield encodeLine(atom === undefined ? write : { ...write, of: sizes.get(atom) });
  }
  yield encodeLine({ end: writes.length });
}

/** Reads a file up to its end or its first damaged line. Throws `JOURNAL_NOT_UNDERSTOOD` as {@link headerOf} does. */
export function readJournal(file: string): JournalContent {
  const header = headerOf(file);
  const lines: WriteLine[] = [];
  let number = 0;
  for (const text of linesOf(file)) {
    number += 1;
    if (number === 1) continue;
    const line = decodeLine(text) as Line | undefined;
    if (line === undefined) break;
    if (!('end' in line)) {
      lines.push(line);
      continue;
    }
    if (line.end !== lines.length) break;
    return { header, writes: lines.map(toWrite), damagedLine: undefined };
  }
  const isWhole = wholeAmong(lines);
  return { header, writes: lines.filter(isWhole).map(toWrite), damagedLine: number };
}

/** What a damaged file holds besides what is replayed of it. */
export interface CutOff {
  /** Those that can be read: behind the damage, or before it where another one of their atom is missing. */
  readonly writes: readonly RescuedWrite[];
  /** How many writes can't be read; `undefined` where the file does not say how many there were, since its end is missing. */
  readonly lost: number | undefined;
}

/** Reads what {@link readJournal} leaves out of a damaged file. */
export function readCutOff(file: string, damagedLine: number): CutOff {
  const before: WriteLine[] = [];
  const behind: WriteLine[] = [];
  let number = 0;
  let end: number | undefined;
  for (const text of linesOf(file)) {
    number += 1;
    if (number === 1) continue;
    const line = decodeLine(text) as Line | undefined;
    if (line === undefined) continue;
    if ('end' in line) end = line.end;
    else if ('op' in line) (number < damagedLine ? before : behind).push(line);
  }
  const isWhole = wholeAmong(before);
  const writes = [...before.filter((line) => !isWhole(line)), ...behind].map(toWrite);
  return { writes, lost: end === undefined ? undefined : Math.max(0, end - before.length - behind.length) };
}

/** Whether all of what must be written together with a line is among `lines`. */
function wholeAmong(lines: readonly WriteLine[]): (line: WriteLine) => boolean {
  const sizes = atomSizes(lines);
  return (line) => {
    const atom = atomOf(line);
    return atom === undefined || sizes.get(atom) === line.of;
  };
}

/** Without what only the file needs, and without the times of the version before. */
function toWrite(line: WriteLine): RescuedWrite {
  const { of: _of, at: _at, underway: _underway, ...write } = line as WriteLine & TimesBefore;
  return write;
}

/** How many writes each atom has. */
function atomSizes(writes: readonly RescuedWrite[]): ReadonlyMap<number, number> {
  const sizes = new Map<number, number>();
  for (const write of writes) {
    const atom = atomOf(write);
    if (atom !== undefined) sizes.set(atom, (sizes.get(atom) ?? 0) + 1);
  }
  return sizes;
}

function atomOf(write: RescuedWrite): number | undefined {
  return 'key' in write ? write.atom : undefined;
}
