import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** What a seal weighs, bytes, and its characters: 128 bits. */
export const SEAL_BYTES = 22;

/**
 * Tells what instances on one database have sent from what others put on their channel, or what a carrier has changed: a
 * message takes the place of a note in the log, so that one that nobody has sent would hide a commit.
 */
export class Seal {
  readonly #key: Buffer;

  /** `secret` is what instances on the database know, and the name of the channel does not tell: the database's identity. */
  constructor(secret: string) {
    this.#key = createHash('sha256').update(`messages\n${secret}`).digest();
  }

  /** The text with its seal before it. */
  seal(text: string): string {
    return this.#sealOf(text) + text;
  }

  /** The text without its seal; `undefined` where that is not of this text, or not of an instance. */
  open(sealed: string): string | undefined {
    const text = sealed.slice(SEAL_BYTES);
    const [given, due] = [sealed.slice(0, SEAL_BYTES), this.#sealOf(text)].map((seal) => Buffer.from(seal));
    const isDue = given !== undefined && due !== undefined && given.length === due.length;
    return isDue && timingSafeEqual(given, due) ? text : undefined;
  }

  #sealOf(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, SEAL_BYTES);
  }
}
