/**
 * Where the engine reports. Nest's `Logger` fits as it is. Keys and values are never logged, but for one example key.
 * An error that a method throws, or rejects with, is ignored: that log line is lost.
 */
export interface CacheLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** For what needs a person: data was left unwritten. */
  fatal(message: string): void;
}
