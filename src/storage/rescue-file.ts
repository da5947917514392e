import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import type { RescuedWrite, RescuedWrites, RescueJournal } from '../core/rescue/rescue-journal.js';

/** The first line: what the file is. */
const HEADER = { journal: 'nestjs-durable-cache', version: 1 } as const;
const CHUNK_LENGTH = 2 ** 20;
/** `{"crc":"01234567",` stands before the fields of every line. */
const PREFIX_LENGTH = 18;

/**
 * A rescue journal in a file: NDJSON, each line with a CRC-32 of the rest of it, the last one with their number. Written
 * to a temporary name, synced, and renamed, so that it is there whole or not at all; mode 0600.
 */
export class RescueFile implements RescueJournal {
  readonly #path: string;

  constructor(path: string) {
    this.#path = resolve(path);
  }

  describe(): string {
    return this.#path;
  }

  async read(): Promise<RescuedWrites | undefined> {
    return this.#readSync();
  }

  /** Synchronous inside: at a start and at a stop nothing else is going on, and one way of writing is enough. */
  async write(writes: readonly RescuedWrite[]): Promise<void> {
    this.#replace(writes);
  }

  appendSync(writes: readonly RescuedWrite[]): void {
    this.#replace([...(this.#readSync()?.writes ?? []), ...writes]);
  }

  async remove(): Promise<void> {
    rmSync(this.#path, { force: true });
    syncFolder(dirname(this.#path));
  }

  async setAside(reason: 'damaged' | 'refused'): Promise<string> {
    const aside = `${this.#path}.${reason}-${new Date().toISOString().replaceAll(':', '-')}`;
    // Another instance that starts at the same time may have been quicker.
    if (existsSync(this.#path)) renameSync(this.#path, aside);
    syncFolder(dirname(this.#path));
    return aside;
  }

  #readSync(): RescuedWrites | undefined {
    try {
      return parse(readFileSync(this.#path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #replace(writes: readonly RescuedWrite[]): void {
    const folder = dirname(this.#path);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const temporary = `${this.#path}.${randomUUID()}.tmp`;
    const file = openSync(temporary, 'wx', 0o600);
    try {
      for (const chunk of chunksOf([HEADER, ...writes, { end: writes.length }])) writeFileSync(file, chunk);
      fsyncSync(file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    renameSync(temporary, this.#path);
    syncFolder(folder);
  }
}

/** The lines in pieces of about a megabyte: a system call for each line would take longer than the lines. */
function* chunksOf(lines: readonly object[]): Generator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += encode(line);
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

function encode(line: object): string {
  const text = JSON.stringify(line);
  return `{"crc":"${checksum(text)}",${text.slice(1)}\n`;
}

/** The content of a line, or `undefined` for one that is not as it was written. */
function decode(line: string): unknown {
  const text = `{${line.slice(PREFIX_LENGTH)}`;
  if (!line.startsWith(`{"crc":"${checksum(text)}",`)) return undefined;
  return JSON.parse(text) as unknown;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

/** Everything up to the first line that is not as it was written. */
function parse(text: string): RescuedWrites {
  const lines = text.split('\n');
  const header = decode(lines[0] ?? '') as Partial<typeof HEADER> | undefined;
  const writes: RescuedWrite[] = [];
  if (header?.journal !== HEADER.journal || header.version !== HEADER.version)
    return { writes, damaged: true };
  for (const line of lines.slice(1)) {
    const content = decode(line) as RescuedWrite | { readonly end: number } | undefined;
    if (content === undefined) break;
    if ('end' in content) return { writes, damaged: content.end !== writes.length };
    writes.push(content);
  }
  return { writes, damaged: true };
}

/** A rename survives a power loss only when its folder is synced too. Windows can't open a folder, and needs no sync. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
