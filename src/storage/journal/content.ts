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
  const sizes = atomSizes(lines);
  const whole = lines.filter((line) => {
    const atom = atomOf(line);
    return atom === undefined || sizes.get(atom) === line.of;
  });
  return { header, writes: whole.map(toWrite), damagedLine: number };
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
