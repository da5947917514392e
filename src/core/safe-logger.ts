import type { CacheLogger } from './cache-logger.js';

/**
 * The app's logger behind a wall: whatever it throws or rejects with ends here. A line that it does not take is lost;
 * the cache is not.
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
      // An async method is assignable to one that gives nothing, and nobody would look at its rejection.
      if (typeof said === 'object' && said !== null) Promise.resolve(said).then(undefined, () => undefined);
    } catch {
      // There is nowhere to say so.
    }
  }
}
