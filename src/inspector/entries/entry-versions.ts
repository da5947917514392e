import { createHmac, randomBytes } from 'node:crypto';

/**
 * Tells whether a value is still the one that somebody was shown. The text of a version says nothing of the value: it is made with a
 * secret of this process, and another one for each key.
 */
export class EntryVersions {
  readonly #secret = randomBytes(32);

  of(namespace: string, key: string, text: string): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([namespace, key, text]))
      .digest('base64url');
  }
}
