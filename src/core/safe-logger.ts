import type { CacheLogger } from './cache-logger.js';

/**
 * Wraps the app's logger: what it throws or rejects with ends here. The log line is lost, and the cache goes on.
 */
export class SafeLogger implements CacheLogger {
  constructor(private readonly logger: CacheLogger) {}

  log(message: string): void {
    this.#say('log', message);
  }

  warn(message: string): void {
    this.#say('warn', message);
  }

  error(message: string): void {
    this.#say('error', message);
  }

  fatal(message: string): void {
    this.#say('fatal', message);
  }

  #say(level: keyof CacheLogger, message: string): void {
    try {
      const said: unknown = this.logger[level](message);
      // TypeScript lets an async method stand for a void one, and nobody would handle its rejection.
      if (typeof said === 'object' && said !== null) Promise.resolve(said).then(undefined, () => undefined);
    } catch {
      // There is nowhere to say so.
    }
  }
}
