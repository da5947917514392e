import { CacheError } from '../cache-error.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { KeySpace } from '../keys/key-space.js';

export interface StoredKeys {
  readonly definition: Pick<NamespaceDefinition, 'name' | 'key'>;
  readonly keys: KeySpace<unknown>;
}

/** The key that is stored as `text`, as its owner gives it. Throws `INVALID_KEY` where no key of the namespace is. */
export function keyStoredAs(text: string, { definition, keys }: StoredKeys): unknown {
  const key = keys.parse(text);
  if (key !== undefined) return keys.keyOf(key);
  throw new CacheError(
    'INVALID_KEY',
    `Namespace '${definition.name}': no key of it is stored as this text, since each is ${definition.key.expects}. What ` +
      'such a row holds can only be mended in the database.',
    { namespace: definition.name },
  );
}
