import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, renameSync, rmSync, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { CacheError } from '../../core/cache-error.js';
import { codeOf } from '../../core/driver-code.js';
import type { OutputStream } from '../command-io.js';

/** Where an export goes. */
export interface Sink {
  /** Resolves when there is room for more. Gives whether anybody takes it. */
  write(text: string): Promise<boolean>;
  /** All of it is written. */
  done(): Promise<void>;
  /** It ends before that. */
  abandon(): void;
}

/** Values are nobody else's to read. */
const MODE = 0o600;

/** Standard output: whoever reads it may go away at any time. */
export class StreamSink implements Sink {
  constructor(private readonly stream: OutputStream) {}

  async write(text: string): Promise<boolean> {
    if (this.stream.destroyed) return false;
    if (!this.stream.write(text)) await this.#drained();
    return !this.stream.destroyed;
  }

  async done(): Promise<void> {}

  abandon(): void {}

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.stream.off('drain', settle);
        this.stream.off('close', settle);
        resolve();
      };
      this.stream.once('drain', settle);
      this.stream.once('close', settle);
    });
  }
}

/** A new file, which has its name once it is whole. */
export class FileSink implements Sink {
  readonly #part: string;
  readonly #stream: WriteStream;
  #error: Error | undefined;

  /** Throws `INVALID_OPTION` where there is such a file already. */
  constructor(private readonly path: string) {
    this.#refuseOther();
    // Of this export alone: what somebody else has put there would keep its mode, or lead elsewhere.
    this.#part = `${path}.${randomBytes(4).toString('hex')}.part`;
    this.#stream = createWriteStream(this.#part, { mode: MODE, flags: 'wx' });
    this.#stream.on('error', (error) => {
      this.#error ??= error;
    });
  }

  async write(text: string): Promise<boolean> {
    this.#check();
    if (!this.#stream.write(text))
      await once(this.#stream, 'drain').catch((error: Error) => (this.#error ??= error));
    this.#check();
    return true;
  }

  async done(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream).catch((error: Error) => (this.#error ??= error));
    this.#check();
    this.#refuseOther();
    renameSync(this.#part, this.path);
  }

  abandon(): void {
    this.#stream.destroy();
    rmSync(this.#part, { force: true });
  }

  #refuseOther(): void {
    if (existsSync(this.path))
      throw new CacheError('INVALID_OPTION', `--out: there is a file ${this.path}. Name another one.`);
  }

  #check(): void {
    if (this.#error === undefined) return;
    throw new CacheError(
      'INVALID_OPTION',
      `--out: ${this.path} can't be written (${codeOf(this.#error) ?? this.#error.message}).`,
    );
  }
}
