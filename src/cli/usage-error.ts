import { CacheError } from '../core/cache-error.js';

/** The command line is not understood. */
export class UsageError extends CacheError {
  constructor(what: string) {
    super('INVALID_OPTION', `${what}. Run nestjs-durable-cache --help.`);
  }
}
