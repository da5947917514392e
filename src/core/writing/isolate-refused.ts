import { type AtomOutcome, type StorageFailure } from '../storage-adapter.js';

/** The items that were not written; all others are committed. */
export interface WriteOutcome<Item> {
  /** Items that the database refuses even on their own. */
  readonly refused: { readonly items: readonly Item[]; readonly error: unknown }[];
  /** Atoms that expected other rows than there are. */
  readonly conflicts: (readonly Item[])[];
  /** Items not written because of the state of the database, not of the items. */
  readonly deferred: Item[];
  /** Why items were deferred. */
  readonly error: unknown;
}

/** Writes atoms in one transaction; gives what became of each, or nothing where all are committed. */
export type WriteAtoms<Item> = (
  atoms: readonly (readonly Item[])[],
) => Promise<readonly AtomOutcome[] | undefined>;

/** After this many refusals without a success, the entries are not at fault. */
const REFUSALS_WITHOUT_SUCCESS = 16;

/**
 * Writes items in one transaction. When the database refuses them, it halves them until the refused item stands alone, so
 * that one poison entry does not block the others: about 2·log2(n) transactions for one among n.
 *
 * An atom is a list of items that must be committed together. After `refusalsWithoutSuccess` refusals and no success, the
 * last atom among them, the database is taken to refuse everything, and the rest is deferred.
 */
export async function isolateRefused<Item>(
  atoms: readonly (readonly Item[])[],
  write: WriteAtoms<Item>,
  classify: (error: unknown) => StorageFailure,
  refusalsWithoutSuccess = REFUSALS_WITHOUT_SUCCESS,
): Promise<WriteOutcome<Item>> {
  const refused: { items: readonly Item[]; error: unknown }[] = [];
  const conflicts: (readonly Item[])[] = [];
  const open: (readonly (readonly Item[])[])[] = [atoms];
  let hasCommitted = false;
  let hasProbed = false;

  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (part.length === 0) continue;
    try {
      const outcomes = await write(part);
      hasCommitted = true;
      outcomes?.forEach((outcome, i) => {
        const items = part?.[i] ?? [];
        if (outcome.kind === 'conflict') conflicts.push(items);
        else if (outcome.kind === 'refused') refused.push({ items, error: outcome.error });
      });
    } catch (error) {
      const isUnlikely = !hasCommitted && refused.length >= refusalsWithoutSuccess;
      if ((isUnlikely && hasProbed) || classify(error) === 'transient') {
        const deferred = [part.flat(), ...open.map((rest) => rest.flat())].flat();
        return { refused, conflicts, deferred, error };
      }
      if (isUnlikely && (open.length > 0 || part.length > 1)) {
        hasProbed = true;
        // These atoms, or all of them? An atom from the other end comes next, and decides.
        open.push(part);
        const [farthest = []] = open;
        open[0] = farthest.slice(0, -1);
        open.push(farthest.slice(-1));
      } else if (part.length === 1) {
        refused.push({ items: part.flat(), error });
      } else {
        const middle = part.length >>> 1;
        open.push(part.slice(middle), part.slice(0, middle));
      }
    }
  }
  return { refused, conflicts, deferred: [], error: undefined };
}
