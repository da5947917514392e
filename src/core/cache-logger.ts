/**
 * Where the engine reports. Nest's `Logger` fits as it is. Keys and values are never logged, but for one example key.
 * What a method throws, or a promise that it gives rejects with, is ignored: a line that is not taken is lost.
 */
export interface CacheLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** What needs a person: data was left unwritten. */
  fatal(message: string): void;
}
