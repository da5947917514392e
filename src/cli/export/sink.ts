import { createWriteStream, existsSync, renameSync, rmSync, type WriteStream } from 'node:fs';
import { once } from 'node:events';
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
    if (existsSync(path))
      throw new CacheError('INVALID_OPTION', `--out: there is a file ${path}. Name another one.`);
    this.#part = `${path}.part`;
    this.#stream = createWriteStream(this.#part, { mode: MODE });
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
    await new Promise<void>((resolve) => this.#stream.end(() => resolve())).catch(() => undefined);
    this.#check();
    renameSync(this.#part, this.path);
  }

  abandon(): void {
    this.#stream.destroy();
    rmSync(this.#part, { force: true });
  }

  #check(): void {
    if (this.#error === undefined) return;
    throw new CacheError(
      'INVALID_OPTION',
      `--out: ${this.path} can't be written (${codeOf(this.#error) ?? this.#error.message}).`,
    );
  }
}
