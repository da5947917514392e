import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CacheError, isCacheError } from '../core/cache-error.js';
import { codeOf } from '../core/driver-code.js';
import type {
  ClaimedJournal,
  JournalOrigin,
  RescuedWrite,
  RescueJournal,
} from '../core/rescue/rescue-journal.js';
import { ClaimedFiles, type ClaimedFile } from './journal/claimed-files.js';
import { journalLines, readJournal } from './journal/content.js';
import { syncFolder, unlessGone } from './journal/file-system.js';
import { headerOf } from './journal/header.js';
import { inPieces } from './journal/lines.js';
import { JournalNames } from './journal/names.js';
import { makeFolder } from './make-folder.js';

/**
 * A rescue journal in files: NDJSON, each line with a CRC-32 of the rest of it, the last one with their number. Each stop
 * writes a file of its own, to a temporary name, synced and renamed, so that it is there whole or not at all; mode 0600.
 * No file is ever added to: several processes may stop, and others start, at the same time. A start renames a file
 * before it reads it, so that of several starts one replays it.
 */
export class RescueFile implements RescueJournal {
  readonly #path: string;
  readonly #names: JournalNames;
  /** Tells the files of this journal's process from others: those of one process have an order. */
  readonly #process = randomUUID();
  #parts = 0;
  /** Whose journals were claimed last. */
  #identity: string | undefined;

  constructor(
    path: string,
    readonly isChosen = false,
    /** Where an earlier version put its files, which are replayed as well. */
    earlierPath?: string,
  ) {
    this.#path = resolve(path);
    this.#names = new JournalNames(this.#path, earlierPath === undefined ? undefined : resolve(earlierPath));
  }

  /** Makes and removes a file of the longest name there may be, in the folder, or in the one that it would be made in. */
  obstacle(): Error | undefined {
    try {
      if (statSync(this.#path, { throwIfNoEntry: false })?.isDirectory() === true)
        throw Object.assign(new Error('It is a folder.'), { code: 'EISDIR' });
      let folder = dirname(this.#path);
      while (statSync(folder, { throwIfNoEntry: false }) === undefined) folder = dirname(folder);
      const trial = this.#names.trialIn(folder);
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

  /** The existing files: what stops have left, and what starts that did not end have claimed. */
  files(): string[] {
    return this.#names.existing();
  }

  async claim(
    identity: string | undefined,
    foreign: (place: string) => void,
  ): Promise<readonly ClaimedJournal[]> {
    this.#identity = identity;
    return this.#reading(() => {
      let claimed: ClaimedFile[] | undefined;
      // What went away meanwhile, another start has claimed: it is not done with it.
      while (claimed === undefined) claimed = this.#claimAll(identity, foreign);
      const ofProcesses = new Map<string, ClaimedFile[]>();
      for (const file of claimed) {
        // The version before names no process, and nothing tells the order of its files.
        const process = file.content.header.process ?? file.place;
        ofProcesses.set(process, [...(ofProcesses.get(process) ?? []), file]);
      }
      return [...ofProcesses.values()].map((files) => new ClaimedFiles(files, this.#names));
    });
  }

  appendSync(writes: readonly RescuedWrite[], origin: JournalOrigin): string {
    const name = this.#names.left();
    this.#write(name, writes, origin);
    return name;
  }

  async keep(kind: 'refused' | 'conflicts', writes: readonly RescuedWrite[]): Promise<string> {
    const name = this.#names.aside(kind);
    this.#write(name, writes, { identity: this.#identity, prefixes: [] });
    return name;
  }

  /** Claims what is for this database; `undefined` where another start has claimed some of it before it was read. */
  #claimAll(identity: string | undefined, foreign: (place: string) => void): ClaimedFile[] | undefined {
    // All of them before the first is claimed: one that is not understood leaves the others as they are.
    const found = this.files().map((file) => ({ file, header: unlessGone(() => headerOf(file)) }));
    const claimed: ClaimedFile[] = [];
    const gone: string[] = [];
    for (const { file, header } of found) {
      if (header?.database !== undefined && header.database !== identity) {
        foreign(file);
        continue;
      }
      const one = header && this.#claim(file);
      if (one === undefined) gone.push(file);
      else claimed.push(one);
    }
    // A link that leads nowhere has a name all the same.
    const names = new Set(gone.length === 0 ? [] : this.files());
    return gone.some((file) => !names.has(file)) ? undefined : claimed;
  }

  #claim(file: string): ClaimedFile | undefined {
    const place = this.#names.claimed();
    return unlessGone(() => {
      renameSync(file, place);
      return { place, content: readJournal(place) };
    });
  }

  /** To try again would not help, as it does with a database. */
  #reading<T>(task: () => T): T {
    try {
      return task();
    } catch (cause) {
      if (isCacheError(cause)) throw cause;
      throw new CacheError(
        'STORAGE_OPEN_FAILED',
        `The rescue journal ${this.#path} can't be read (${codeOf(cause) ?? String(cause)}). It may hold writes that an earlier ` +
          'stop could not make: give the process the right to read it and to rename files in its folder, or move it away to ' +
          'start without them.',
        { cause },
      );
    }
  }

  /** Puts a file under `name`, as a whole or not at all. */
  #write(name: string, writes: readonly RescuedWrite[], { identity, prefixes }: JournalOrigin): void {
    const folder = dirname(this.#path);
    makeFolder(folder);
    this.#parts += 1;
    const header = { database: identity, prefixes, process: this.#process, part: this.#parts };
    const temporary = this.#names.temporary();
    const file = openSync(temporary, 'wx', 0o600);
    try {
      for (const piece of inPieces(journalLines(header, writes))) writeFileSync(file, piece);
      fsyncSync(file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    renameSync(temporary, name);
    syncFolder(folder);
  }
}
