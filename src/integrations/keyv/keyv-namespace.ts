import {
  CacheError,
  defineNamespace,
  stringKey,
  type NamespaceDefinition,
  type NamespaceOptions,
} from '../../index.js';
import { keyvItems, type KeyvItem } from './keyv-item.js';

/** What a {@link keyvNamespace} sets itself. */
const SET_HERE = ['key', 'value', 'values'] as const;

/**
 * The options of {@link keyvNamespace}: those of `defineNamespace` without its codecs. `ttlMs` is for what Keyv sets without a time
 * to live of its own.
 */
export type KeyvNamespaceOptions = Omit<NamespaceOptions<string, KeyvItem>, (typeof SET_HERE)[number]>;

/**
 * Declares a namespace that a `DurableKeyvStore` puts Keyv's entries into. Give each Keyv one of its own: it then has bounds and
 * a level of its own. Throws `INVALID_OPTION` for an option that is unknown or out of range.
 */
export function keyvNamespace(options: KeyvNamespaceOptions): NamespaceDefinition<string, KeyvItem> {
  for (const option of SET_HERE) {
    if (Object.hasOwn(options ?? {}, option)) {
      throw new CacheError(
        'INVALID_OPTION',
        `keyvNamespace: leave '${option}' out. How keys and values are stored follows from Keyv, which serialises them.`,
        { option },
      );
    }
  }
  return defineNamespace({ ...options, key: stringKey(), value: keyvItems });
}
