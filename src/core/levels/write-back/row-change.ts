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
export type RowChange = string | ExpiringText | typeof REMOVAL;

export function changeOf(text: string, expiresAt: number | null): RowChange {
  return expiresAt === null ? text : new ExpiringText(text, expiresAt);
}

/** What an change stores; `undefined` where it removes. */
export function textOf(change: RowChange): string | undefined {
  if (change === REMOVAL) return undefined;
  return typeof change === 'string' ? change : change.text;
}

/** When what an change stores expires; `null` for never. */
export function expiryOf(change: RowChange): number | null {
  return change instanceof ExpiringText ? change.expiresAt : null;
}
