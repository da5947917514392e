import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { crc32 } from 'node:zlib';
import { CacheError } from '../core/cache-error.js';
import { codeOf } from '../core/driver-code.js';
import type { RescuedWrite, RescuedWrites, RescueJournal } from '../core/rescue/rescue-journal.js';
import { makeFolder } from './make-folder.js';

/** The first line: what the file is. */
const HEADER = { journal: 'nestjs-durable-cache', version: 1 } as const;
const CHUNK_LENGTH = 2 ** 20;
/** `{"crc":"01234567",` stands before the fields of every line. */
const PREFIX_LENGTH = 18;

/**
 * A rescue journal in files: NDJSON, each line with a CRC-32 of the rest of it, the last one with their number. Each stop
 * writes a file of its own, to a temporary name, synced and renamed, so that it is there whole or not at all; mode 0600.
 * No file is ever added to: several processes may stop, and others start, at the same time.
 */
export class RescueFile implements RescueJournal {
  readonly #path: string;
  /** The files that the last {@link read} has read. */
  #read: readonly string[] = [];

  constructor(
    path: string,
    readonly isChosen = false,
  ) {
    this.#path = resolve(path);
  }

  /** Makes and removes a file of the longest name there may be, in the folder, or in the one that it would be made in. */
  obstacle(): Error | undefined {
    try {
      if (statSync(this.#path, { throwIfNoEntry: false })?.isDirectory() === true)
        throw Object.assign(new Error('It is a folder.'), { code: 'EISDIR' });
      let folder = dirname(this.#path);
      while (statSync(folder, { throwIfNoEntry: false }) === undefined) folder = dirname(folder);
      // Longer than any name there may be, and none that a start takes for a journal.
      const trial = join(folder, `${basename(this.#path)}.trial-${timestamp()}-${randomUUID()}`);
      closeSync(openSync(trial, 'wx', 0o600));
      rmSync(trial, { force: true });
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  describe(): string {
    return this.#path;
  }

  /** The existing files, oldest first: the one with the journal's name, and those of stops that found it taken. */
  files(): string[] {
    const folder = dirname(this.#path);
    const name = basename(this.#path);
    const names = namesIn(folder);
    const more = names.filter((one) => one.startsWith(`${name}.more-`)).sort();
    return [...(names.includes(name) ? [name] : []), ...more].map((one) => join(folder, one));
  }

  async read(): Promise<RescuedWrites | undefined> {
    const found = this.#reading(() =>
      this.files().flatMap((file) => {
        const content = unlessGone(() => parse(linesOf(file)));
        return content === undefined ? [] : [{ file, content }];
      }),
    );
    this.#read = found.map(({ file }) => file);
    if (found.length === 0) return undefined;
    return {
      writes: found.flatMap(({ content }) => content.writes),
      damaged: found.some(({ content }) => content.damaged),
    };
  }

  appendSync(writes: readonly RescuedWrite[]): void {
    const temporary = this.#writeTemporary(writes);
    try {
      // Fails when the name is taken, where a rename would replace what is there.
      linkSync(temporary, this.#path);
      rmSync(temporary);
    } catch {
      // It also fails on a file system without links.
      renameSync(temporary, moreName(this.#path));
    }
    syncFolder(dirname(this.#path));
  }

  async remove(): Promise<void> {
    for (const file of this.#read) rmSync(file, { force: true });
    syncFolder(dirname(this.#path));
  }

  async setAside(): Promise<string> {
    const aside: string[] = [];
    for (const file of this.#read) {
      const name = `${this.#path}.damaged-${timestamp()}-${aside.length + 1}`;
      unlessGone(() => {
        renameSync(file, name);
        aside.push(name);
      });
    }
    syncFolder(dirname(this.#path));
    return aside.join(', ');
  }

  async keepRefused(writes: readonly RescuedWrite[]): Promise<string> {
    const name = `${this.#path}.refused-${timestamp()}`;
    renameSync(this.#writeTemporary(writes), name);
    syncFolder(dirname(this.#path));
    return name;
  }

  /** To try again would not help, as it does with a database. */
  #reading<T>(task: () => T): T {
    try {
      return task();
    } catch (cause) {
      throw new CacheError(
        'STORAGE_OPEN_FAILED',
        `The rescue journal ${this.#path} can't be read (${codeOf(cause) ?? String(cause)}). It may hold writes that an earlier ` +
          'stop could not make: give the process the right to read it and its folder, or move it away to start without them.',
        { cause },
      );
    }
  }

  #writeTemporary(writes: readonly RescuedWrite[]): string {
    makeFolder(dirname(this.#path));
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
    return temporary;
  }
}

/** The name of a stop's file where the journal's own is taken. */
function moreName(name: string): string {
  return `${name}.more-${timestamp()}-${randomUUID()}`;
}

function timestamp(): string {
  return new Date().toISOString().replaceAll(':', '-');
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    // A file may stand where the folder should be.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** What `task` gives, or `undefined` where its file is gone: another instance that starts at the same time was quicker. */
function unlessGone<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
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

/** The content of a line, or `undefined` for a damaged one. */
function decode(line: string): unknown {
  const text = `{${line.slice(PREFIX_LENGTH)}`;
  if (!line.startsWith(`{"crc":"${checksum(text)}",`)) return undefined;
  return JSON.parse(text) as unknown;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

/** The lines of a file, which may be longer than a string can be. */
function* linesOf(path: string): Generator<string> {
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

/** Everything up to the first damaged line. */
function parse(lines: Generator<string>): RescuedWrites {
  const writes: RescuedWrite[] = [];
  let isFirst = true;
  for (const line of lines) {
    const content = decode(line) as
      Partial<typeof HEADER> | RescuedWrite | { readonly end: number } | undefined;
    if (content === undefined) break;
    if (isFirst) {
      if (!('journal' in content) || content.journal !== HEADER.journal || content.version !== HEADER.version)
        break;
      isFirst = false;
    } else if ('end' in content) {
      return { writes, damaged: content.end !== writes.length };
    } else {
      writes.push(content as RescuedWrite);
    }
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
