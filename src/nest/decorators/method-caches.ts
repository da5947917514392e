import type { ModulesContainer } from '@nestjs/core';
import { CacheError } from '../../core/cache-error.js';
import type { NamespaceDefinition } from '../../core/definition/namespace-definition.js';
import type { NamespaceCache } from '../../core/namespace/namespace-cache.js';
import type { CacheLifecycle } from '../cache.lifecycle.js';
import { getNamespaceToken, MODULE_NAMESPACES } from '../cache.tokens.js';
import { CACHES, type Caches } from './method-binding.js';
import { usesOf, type MethodUse } from './method-uses.js';

type AnyCache = NamespaceCache<unknown, unknown>;

/** What the decorated methods of one application need of it. */
export interface MethodCachesParts {
  readonly modules: ModulesContainer;
  /** The namespaces that the options of the module name. */
  readonly namespaces: readonly NamespaceDefinition[];
  /** Gives the namespace of a definition, once its rows are loaded. */
  readonly register: (definition: NamespaceDefinition) => Promise<AnyCache>;
  readonly lifecycle: Pick<CacheLifecycle, 'isServing' | 'startFailed'>;
}

/** The namespaces of one application, for the decorated methods of its instances. */
export class MethodCaches implements Caches {
  readonly [CACHES] = true;
  readonly #namespaces = new Map<NamespaceDefinition, AnyCache>();
  /** Prototypes whose methods name namespaces of this application alone. */
  readonly #admitted = new WeakSet<object>();
  /** Whether every class of the start was looked at. */
  #isExplored = false;

  constructor(private readonly parts: MethodCachesParts) {}

  get isServing(): boolean {
    return this.parts.lifecycle.isServing;
  }

  explored(): void {
    this.#isExplored = true;
  }

  admit(prototype: object): void {
    // Until then who makes an instance may go on without it. A class of the start is refused when the start looks at it.
    if (this.#isExplored) this.assertDeclared(prototype);
  }

  assertDeclared(prototype: object): void {
    if (this.#admitted.has(prototype)) return;
    for (const use of usesOf(prototype)) if (!this.#isDeclared(use.definition)) throw this.#unknown(use);
    this.#admitted.add(prototype);
  }

  /** What `@InjectNamespace` injects; before that is there, it waits for the rows. */
  namespace(use: MethodUse): AnyCache | Promise<AnyCache> {
    return this.#namespaces.get(use.definition) ?? this.#find(use);
  }

  async #find(use: MethodUse): Promise<AnyCache> {
    const { definition } = use;
    if (!this.#isDeclared(definition)) {
      // A factory whose start fails by this, before the hooks of Nest.
      if (!this.#isExplored) this.parts.lifecycle.startFailed();
      throw this.#unknown(use);
    }
    const injected = this.#injected(definition);
    const found = injected ?? (await this.parts.register(definition));
    // Until then a test's own object may not have been made yet.
    if (injected !== undefined || this.#isExplored) this.#namespaces.set(definition, found);
    return found;
  }

  /** What is behind the token of the namespace: a test may have put something of its own there. */
  #injected(definition: NamespaceDefinition): AnyCache | undefined {
    const token = getNamespaceToken(definition);
    for (const { providers } of this.parts.modules.values()) {
      const instance: unknown = providers.get(token)?.instance;
      if (typeof instance === 'object' && instance !== null) return instance as AnyCache;
    }
    return undefined;
  }

  #isDeclared(definition: NamespaceDefinition): boolean {
    return this.#declared().includes(definition);
  }

  /** Asked each time: a module that is loaded lazily declares more of them. */
  #declared(): readonly NamespaceDefinition[] {
    const { modules, namespaces } = this.parts;
    const ofModules = [...modules.values()].flatMap(
      ({ providers }) => (providers.get(MODULE_NAMESPACES)?.instance ?? []) as readonly NamespaceDefinition[],
    );
    return [...namespaces, ...ofModules];
  }

  #unknown({ where, definition: { name } }: MethodUse): CacheError {
    const isOther = this.#declared().some((declared) => declared.name === name);
    return new CacheError(
      'UNKNOWN_NAMESPACE',
      `${where}: namespace '${name}' is not declared in this application${isOther ? ' with this definition' : ''}. ` +
        'List its definition in CacheModule.forRoot({ namespaces: [...] }) or CacheModule.forFeature([...]).',
      { namespace: name },
    );
  }
}
