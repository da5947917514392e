import { notUnderstood } from './format.js';

/** A line is no longer than a text in a process can be, with room to spare. */
const MOST_BYTES = 2 ** 28;
const LINE_FEED = 0x0a;

/** A line of a file, without its end. Counted from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** The lines of `chunks`. Throws `EXPORT_NOT_UNDERSTOOD` for one that is not UTF-8, or longer than any row. Empty ones are left out. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  let parts: Buffer[] = [];
  let length = 0;
  const line = (): Line => {
    number += 1;
    try {
      return { number, text: decoder.decode(Buffer.concat(parts, length)) };
    } catch {
      throw notUnderstood(number, 'it is not UTF-8');
    } finally {
      parts = [];
      length = 0;
    }
  };
  for await (const chunk of chunks) {
    let rest = typeof chunk === 'string' ? Buffer.from(chunk) : bufferOn(chunk);
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      parts.push(rest.subarray(0, end));
      length += end;
      rest = rest.subarray(end + 1);
      const whole = line();
      if (whole.text.trim() !== '') yield whole;
    }
    parts.push(rest);
    length += rest.length;
    if (length > MOST_BYTES) throw notUnderstood(number + 1, `it is longer than ${MOST_BYTES} bytes`);
  }
  if (length === 0) return;
  const last = line();
  if (last.text.trim() !== '') yield last;
}

function bufferOn({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
