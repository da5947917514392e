import type { CacheLogger } from '../../src/core/cache-logger.js';

/** Keeps what was logged, as `level: message`. */
export class RecordingLogger implements CacheLogger {
  readonly lines: string[] = [];

  log(message: string): void {
    this.lines.push(`log: ${message}`);
  }

  warn(message: string): void {
    this.lines.push(`warn: ${message}`);
  }

  error(message: string): void {
    this.lines.push(`error: ${message}`);
  }

  fatal(message: string): void {
    this.lines.push(`fatal: ${message}`);
  }

  /** The lines that hold `text`. */
  with(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }
}
