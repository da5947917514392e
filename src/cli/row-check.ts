import { isCacheError } from '../core/cache-error.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import { KeySpace } from '../core/keys/key-space.js';
import type { ExactRow } from '../storage/listed-storage.js';

/** Tells whether rows are what a definition says. */
export class RowCheck {
  readonly #keys: KeySpace<unknown>;

  constructor(private readonly definition: NamespaceDefinition) {
    this.#keys = new KeySpace(definition.name, definition.key);
  }

  /** Why an application could not read the row; `undefined` where it can. Never with anything of the value. */
  faultOf({ key, value }: ExactRow): string | undefined {
    if (this.#keys.parse(key) === undefined) return 'no key of this namespace is stored so';
    try {
      this.definition.value.decode(value);
      return undefined;
    } catch (error) {
      return `the value does not decode (${nameOf(error)})`;
    }
  }
}

/** Its message may quote what it could not decode. */
function nameOf(error: unknown): string {
  if (isCacheError(error)) return error.code;
  return error instanceof Error ? error.name : 'no error';
}
