import { CacheError } from '../cache-error.js';

/** A backplane was given to a second cache: it is the first one's, which goes on with it. */
export class BackplaneInUse extends CacheError {
  constructor(name: string) {
    super('INVALID_OPTION', `The backplane (${name}) serves a cache already: make one for each cache.`, {
      option: 'backplane',
    });
  }
}
