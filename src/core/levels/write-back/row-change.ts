/** An encoded value that expires. */
class ExpiringText {
  constructor(
    readonly text: string,
    /** Wall-clock ms. */
    readonly expiresAt: number,
  ) {}
}

/** That a key is to be removed. */
export const REMOVAL = null;

/**
 * What is to become of a key's row. There is one for each dirty entry, so what is put without an expiry is its text and no
 * object round it.
 */
export type Intent = string | ExpiringText | typeof REMOVAL;

export function intentOf(text: string, expiresAt: number | null): Intent {
  return expiresAt === null ? text : new ExpiringText(text, expiresAt);
}

/** What an intent stores; `undefined` where it removes. */
export function textOf(intent: Intent): string | undefined {
  if (intent === REMOVAL) return undefined;
  return typeof intent === 'string' ? intent : intent.text;
}

/** When what an intent stores expires; `null` for never. */
export function expiryOf(intent: Intent): number | null {
  return intent instanceof ExpiringText ? intent.expiresAt : null;
}
