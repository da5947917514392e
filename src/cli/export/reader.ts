import { notUnderstood, readHeader, readLine, type ExportedRow } from './format.js';
import { linesOf } from './lines.js';

/** A row of an export, with the line that it is on. */
export interface ReadRow extends ExportedRow {
  readonly line: number;
}

/**
 * The rows of an export as they come. Throws `EXPORT_NOT_UNDERSTOOD`, with the number of the line, where it is damaged, of another
 * format, or cut off.
 */
export async function* rowsOf(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<ReadRow> {
  let rows = 0;
  let last = 0;
  let end: number | undefined;
  for await (const { number, text } of linesOf(chunks)) {
    if (last === 0) readHeader(text);
    else {
      if (end !== undefined) throw notUnderstood(number, `it is behind the end, which is on line ${last}`);
      const line = readLine(text, number);
      if (line.kind === 'end') end = line.rows;
      else {
        rows += 1;
        yield { ...line.row, line: number };
      }
    }
    last = number;
  }
  if (last === 0) throw notUnderstood(1, 'there is nothing, not even the line that an export begins with');
  if (end === undefined)
    throw notUnderstood(last + 1, 'the line with the number of rows is missing: the export was cut off');
  if (end !== rows)
    throw notUnderstood(
      last,
      `it says that there are ${end} rows, and there are ${rows}: some were lost or added`,
    );
}
