import type { ProgressStream } from './progress.js';

/** A stream that what is found is printed to. */
export interface OutputStream extends ProgressStream {
  readonly destroyed: boolean;
  write(text: string): boolean;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
}

/** What a command works with, besides its arguments. */
export interface CommandIo {
  /** For files to import, and answers to questions. */
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** For what was found. */
  readonly stdout: OutputStream;
  /** For progress, warnings and questions. */
  readonly stderr: ProgressStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tells the caller how it has ended; not called where all is well. */
  readonly end: (exitCode: number) => void;
  /** From the first call on Ctrl-C ends nothing, but aborts this signal. A second one ends the process at once. */
  readonly interruption: () => AbortSignal;
}
