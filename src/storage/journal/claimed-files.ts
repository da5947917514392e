import { existsSync, renameSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ClaimedJournal, RescuedWrite } from '../../core/rescue/rescue-journal.js';
import type { JournalContent } from './content.js';
import { syncFolder, unlessGone } from './file-system.js';
import { headerOf } from './header.js';
import type { JournalNames } from './names.js';

/** A file under the name that a start has given it. */
export interface ClaimedFile {
  readonly place: string;
  readonly content: JournalContent;
}

/** The files of one process that a start has claimed. Another start may claim them again, and then they are gone. */
export class ClaimedFiles implements ClaimedJournal {
  readonly identity: string | undefined;
  readonly prefixes: readonly number[];
  readonly writes: readonly RescuedWrite[];
  readonly damaged: boolean;
  readonly isUnstamped: boolean;

  constructor(
    private readonly files: readonly ClaimedFile[],
    private readonly names: JournalNames,
  ) {
    const contents = files
      .map(({ content }) => content)
      .toSorted((one, other) => one.header.part - other.header.part);
    const headers = contents.map(({ header }) => header);
    this.identity = headers.find(({ database }) => database !== undefined)?.database;
    this.prefixes = [...new Set(headers.flatMap(({ prefixes }) => prefixes))];
    this.writes = inOrder(contents);
    this.damaged = contents.some(({ damagedLine }) => damagedLine !== undefined);
    this.isUnstamped = headers.some(({ isUnstamped }) => isUnstamped);
  }

  describe(): string {
    return this.files.map(({ place }) => place).join(', ');
  }

  isHeld(): boolean {
    return this.files.every(({ place }) => existsSync(place));
  }

  isWithOthers(): boolean {
    if (this.isHeld()) return false;
    const processes = new Set(this.files.map(({ content }) => content.header.process));
    return this.names.existing().some((file) => {
      const header = unlessGone(() => headerOf(file));
      return header !== undefined && processes.has(header.process);
    });
  }

  async remove(): Promise<boolean> {
    const removed = this.files.map(({ place }) => isThere(() => unlinkSync(place)));
    this.#sync();
    return removed.every(Boolean);
  }

  async setAside(): Promise<string | undefined> {
    const names = this.files.map(({ place }) => ({ place, name: this.names.aside('damaged') }));
    const moved = names.map(({ place, name }) => isThere(() => renameSync(place, name)));
    this.#sync();
    return moved.every(Boolean) ? names.map(({ name }) => name).join(', ') : undefined;
  }

  #sync(): void {
    const [file] = this.files;
    if (file !== undefined) syncFolder(dirname(file.place));
  }
}

/** Does something with a file. Gives false where it is gone. */
function isThere(task: () => void): boolean {
  return (
    unlessGone(() => {
      task();
      return true;
    }) === true
  );
}

/** The writes of all parts. Atoms keep to their part: two parts may have given theirs the same number. */
function inOrder(parts: readonly JournalContent[]): RescuedWrite[] {
  let next = 0;
  return parts.flatMap(({ writes }) => {
    const numbers = new Map<number, number>();
    return writes.map((write) => {
      if (!('key' in write) || write.atom === undefined) return write;
      const atom = numbers.get(write.atom) ?? next++;
      numbers.set(write.atom, atom);
      return { ...write, atom };
    });
  });
}
