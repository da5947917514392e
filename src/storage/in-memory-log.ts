import {
  UNKNOWN_WRITER,
  type Instance,
  type LoggedInstance,
  type LogHead,
  type LogNote,
} from '../core/sharing/shared-storage.js';
import type { LogPosition, Writer } from '../core/storage-adapter.js';

/** The beat of an instance that has stopped. */
const STOPPED = -1;

/** A write of an instance that has not joined, or was removed. */
export class UnknownWriter extends Error {
  readonly code = UNKNOWN_WRITER;

  constructor() {
    super('The instance is not known here: it has not joined, or was removed.');
  }
}

/** The instances on a storage in memory, and the notes of their commits. */
export class InMemoryLog {
  readonly #instances = new Map<Writer, Instance>();
  readonly #beats = new Map<Writer, number>();
  readonly #notes = new Map<Writer, LogNote[]>();

  join(instance: Instance): void {
    const { writer } = instance;
    this.#instances.set(writer, instance);
    this.#beats.set(writer, 0);
    this.#notes.set(writer, []);
  }

  beat(writer: Writer): boolean {
    const beat = this.#beats.get(writer);
    if (beat === undefined || beat === STOPPED) return false;
    this.#beats.set(writer, beat + 1);
    return true;
  }

  leave(writer: Writer): void {
    if (this.#beats.has(writer)) this.#beats.set(writer, STOPPED);
  }

  remove(writer: Writer): void {
    this.#instances.delete(writer);
    this.#beats.delete(writer);
    this.#notes.delete(writer);
  }

  /** Throws where the writer is not known: nothing may be written then. */
  assertKnows(position: LogPosition | undefined): void {
    if (position !== undefined && !this.#notes.has(position.writer)) throw new UnknownWriter();
  }

  /** Takes a note of a commit. */
  add(position: LogPosition | undefined, text: string): void {
    if (position !== undefined) this.#notes.get(position.writer)?.push({ ...position, text });
  }

  heads(): LogHead[] {
    return [...this.#beats].map(([writer, beat]) => ({
      writer,
      beat,
      n: this.#notes.get(writer)?.at(-1)?.n ?? 0,
    }));
  }

  instances(): LoggedInstance[] {
    return this.heads().flatMap(({ writer, n, beat }) => {
      const instance = this.#instances.get(writer);
      return instance === undefined ? [] : { writer, mode: instance.mode, about: instance.about, n, beat };
    });
  }

  notesSince(positions: readonly LogPosition[], limit: number): LogNote[] {
    return positions.flatMap(({ writer, n }) =>
      (this.#notes.get(writer) ?? []).filter((note) => note.n > n).slice(0, limit),
    );
  }

  trim({ writer, n }: LogPosition): void {
    const notes = this.#notes.get(writer);
    if (notes !== undefined)
      this.#notes.set(
        writer,
        notes.filter((note) => note.n > n),
      );
  }
}
