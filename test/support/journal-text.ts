import { crc32 } from 'node:zlib';

/** Lines of a rescue journal as another version may have written them: each with its checksum. */
export function journalText(...lines: readonly object[]): string {
  return lines
    .map((line) => JSON.stringify(line))
    .map((text) => `{"crc":"${crc32(text).toString(16).padStart(8, '0')}",${text.slice(1)}\n`)
    .join('');
}
