import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { crc32 } from 'node:zlib';

const CHUNK_LENGTH = 2 ** 20;
/** `{"crc":"01234567",` stands before the fields of every line. */
const PREFIX_LENGTH = 18;
/** No first line of a journal is longer, and a file of others may have no end of a line at all. */
const MAX_FIRST_LINE = 2 ** 16;

/** A line of a journal: JSON with a CRC-32 of the rest of it. */
export function encodeLine(line: object): string {
  const text = JSON.stringify(line);
  return `{"crc":"${checksum(text)}",${text.slice(1)}\n`;
}

/** The content of a line, or `undefined` for a damaged one. */
export function decodeLine(line: string): object | undefined {
  const text = `{${line.slice(PREFIX_LENGTH)}`;
  if (!line.startsWith(`{"crc":"${checksum(text)}",`)) return undefined;
  return JSON.parse(text) as object;
}

/** Lines in pieces of about a megabyte: a system call for each line would take longer than the lines. */
export function* inPieces(lines: Iterable<string>): Generator<string> {
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < CHUNK_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** The lines of a file, which may be longer than a string can be. The last one is what follows the last end of a line. */
export function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(CHUNK_LENGTH);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
      const lines = (rest + decoder.write(buffer.subarray(0, length))).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    yield rest + decoder.end();
  } finally {
    closeSync(file);
  }
}

/** To open a pipe waits for its other end, on the thread that everything waits for, unless it is told not to. */
const WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The first line of a file; what is longer than one of a journal is cut. Empty of a pipe or a device. */
export function firstLineOf(path: string): string {
  const file = openSync(path, WITHOUT_WAITING);
  try {
    const kind = fstatSync(file);
    if (!kind.isFile() && !kind.isDirectory()) return '';
    const buffer = Buffer.alloc(MAX_FIRST_LINE);
    let length = 0;
    for (let more = -1; more !== 0 && length < buffer.length; length += more) {
      more = readSync(file, buffer, length, buffer.length - length, length);
    }
    const [line = ''] = buffer.toString('utf8', 0, length).split('\n', 1);
    return line;
  } finally {
    closeSync(file);
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
