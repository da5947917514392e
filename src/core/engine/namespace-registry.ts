import type { NamespaceWith } from '../namespace/namespace-types.js';
import type { ValueMode } from '../values/value-mode.js';
import { CacheError } from '../cache-error.js';
import type { EngineContext } from '../context.js';
import {
  tuneNamespace,
  type NamespaceDefinition,
  type NamespaceTuning,
} from '../definition/namespace-definition.js';
import { NamespaceCounters } from '../definition/namespace-stats.js';
import type { InspectedNamespace } from '../inspection/cache-inspection.js';
import { MemoryInspection } from '../inspection/memory-inspection.js';
import { RowInspection } from '../inspection/row-inspection.js';
import { KeySpace } from '../keys/key-space.js';
import type { Drainable } from '../levels/drainable.js';
import { memoryLevel } from '../levels/levels.js';
import { Namespace } from '../namespace/namespace.js';
import { NO_OTHERS, type OtherInstances } from '../namespace/other-instances.js';
import type { Rejections } from '../namespace/rejections.js';
import type { NamespaceCache } from '../namespace/namespace-cache.js';
import type { OpenStorage } from './open-storage.js';

/** A namespace in use. */
export interface Member {
  /** The definition as it was registered; definitions are compared by identity. */
  readonly declared: NamespaceDefinition;
  /** The same with the overrides. */
  readonly definition: NamespaceDefinition;
  readonly cache: NamespaceCache<unknown, unknown>;
  /** What is to be loaded and flushed; `undefined` where nothing is persisted. */
  readonly level: Drainable | undefined;
  /** For tools that show what there is. */
  readonly inspected: InspectedNamespace;
}

/** The namespaces of an engine, by name. */
export class NamespaceRegistry {
  /** By name, in the order of their declaration; `undefined` until the storage of one is open. */
  readonly #members = new Map<string, Member | undefined>();

  constructor(
    /** Other tuning for namespaces, by name. */
    private readonly overrides: Readonly<Record<string, NamespaceTuning>>,
    private readonly context: EngineContext,
    private readonly rejections: Rejections,
  ) {}

  get members(): readonly Member[] {
    return [...this.#members.values()].filter((member) => member !== undefined);
  }

  /** A namespace of this name is about to join: its place among the others is fixed now. */
  announce({ name }: NamespaceDefinition): void {
    if (!this.#members.has(name)) this.#members.set(name, undefined);
  }

  /** A definition with the overrides there are for it. */
  tuned(definition: NamespaceDefinition): NamespaceDefinition {
    if (!Object.hasOwn(this.overrides, definition.name)) return definition;
    return tuneNamespace(definition, this.overrides[definition.name] ?? {});
  }

  /** The member there is for a definition. Throws `DUPLICATE_NAMESPACE` where another one has its name. */
  find(declared: NamespaceDefinition): Member | undefined {
    const member = this.#members.get(declared.name);
    if (member === undefined || member.declared === declared) return member;
    throw new CacheError(
      'DUPLICATE_NAMESPACE',
      `Two definitions are named '${declared.name}'. Share one definition between modules, or rename one of them.`,
      { namespace: declared.name },
    );
  }

  /** Makes a member of a definition, on `storage` where it is persisted. */
  join(
    declared: NamespaceDefinition,
    definition: NamespaceDefinition,
    storage: OpenStorage | undefined,
  ): Member {
    const keys = new KeySpace(definition.name, definition.key);
    const counters = new NamespaceCounters();
    const member: Member =
      storage === undefined
        ? { declared, definition, level: undefined, ...this.#inMemory(definition, keys, counters) }
        : { declared, definition, ...this.#persisted(storage, definition, keys, counters) };
    this.#members.set(declared.name, member);
    return member;
  }

  /** The namespace of a definition or a name. Throws `UNKNOWN_NAMESPACE` for one that is not declared. */
  get<K, V, M extends ValueMode>(which: NamespaceDefinition<K, V, M> | string): NamespaceWith<K, V, M> {
    const name: unknown =
      typeof which === 'string' ? which : (which as Partial<typeof which> | undefined)?.name;
    if (typeof name !== 'string') {
      throw new CacheError(
        'UNKNOWN_NAMESPACE',
        'That is no namespace. Pass its name, or a definition made by defineNamespace(); if it is undefined, two files import ' +
          'each other.',
      );
    }
    const member = this.#members.get(name);
    if (member === undefined || (typeof which !== 'string' && !isOf(member, which))) {
      throw new CacheError(
        'UNKNOWN_NAMESPACE',
        `Namespace '${name}' is not declared${member === undefined ? '' : ' with this definition'}. ` +
          'List its definition in CacheModule.forRoot({ namespaces: [...] }) or CacheModule.forFeature([...]).',
        { namespace: name },
      );
    }
    return member.cache as unknown as NamespaceWith<K, V, M>;
  }

  #inMemory(
    definition: NamespaceDefinition,
    keys: KeySpace<unknown>,
    counters: NamespaceCounters,
  ): Pick<Member, 'cache' | 'inspected'> {
    const { context, rejections } = this;
    const { store, inFlight, level } = memoryLevel(definition, keys, counters, context);
    const { clock } = context;
    const cache = new Namespace({
      definition,
      keys,
      store,
      inFlight,
      level,
      counters,
      clock,
      rejections,
      others: NO_OTHERS,
    });
    const entries = new MemoryInspection({ definition, keys, store, clock });
    return { cache, inspected: { definition, entries, isShared: false } };
  }

  #persisted(
    storage: OpenStorage,
    definition: NamespaceDefinition,
    keys: KeySpace<unknown>,
    counters: NamespaceCounters,
  ): Pick<Member, 'cache' | 'level' | 'inspected'> {
    const { rejections } = this;
    const { clock } = this.context;
    const { level, entries } = storage.attach(definition, keys, counters);
    const { store, inFlight } = entries;
    const others: OtherInstances = {
      freshness: storage.freshness,
      get backplane() {
        return storage.backplaneStats;
      },
      dependsOnOthers: (key) => entries.dependsOnOthers(key),
      isOpen: (key) => entries.isOpen(key),
    };
    const parts = { definition, keys, store, inFlight, level, counters, clock, rejections };
    const rows = { definition, keys, entries, storage: storage.storage, clock, newer: level.newer };
    const inspected = { definition, entries: new RowInspection(rows), isShared: storage.isShared };
    return { level, cache: new Namespace({ ...parts, others }), inspected };
  }
}

/** Whether `definition` is the member's, as it was declared or with its overrides. */
function isOf(member: Member, definition: unknown): boolean {
  return member.declared === definition || member.definition === definition;
}
