import { CacheError } from '../core/cache-error.js';
import type { ListedStorage } from '../storage/listed-storage.js';

/**
 * Those of the `wanted` namespaces that `source` has, or all of them. Rejects with `UNKNOWN_NAMESPACE` for one that it has
 * no rows of, and where it has none at all.
 */
export async function chosenNamespaces(
  source: ListedStorage,
  wanted: readonly string[] | undefined,
): Promise<readonly string[]> {
  const present = await source.namespaces();
  if (present.length === 0 && (await source.strayRows()).length === 0) {
    throw new CacheError(
      'UNKNOWN_NAMESPACE',
      'The source holds no rows of a cache. Check the address (--from).',
    );
  }
  const unknown = (wanted ?? []).filter((name) => !present.includes(name));
  if (unknown.length === 0) return wanted === undefined ? present : [...new Set(wanted)];
  throw new CacheError(
    'UNKNOWN_NAMESPACE',
    `The source has no rows of namespace '${unknown.join("', '")}'. It has '${present.join("', '")}'.`,
  );
}
