import { CacheError } from '../cache-error.js';
import type { KeyCodec } from '../keys/key-codec.js';
import { CachePersistenceLevel } from './persistence-level.js';
import { assertRecord, isPositiveInteger, msOf, refuseUnknown } from '../option-checks.js';
import type { ConflictRule } from './conflict-rule.js';
import { CopyingCodec } from '../values/copying-codec.js';
import type { ValueCodec } from '../values/value-codec.js';
import type { ValueMode } from '../values/value-mode.js';

/** The options of a namespace that can be changed without touching its data. */
export interface NamespaceTuning {
  /** When a write is acknowledged, and so what a crash can lose. Default `ON_CHANGE`. */
  readonly persistence?: CachePersistenceLevel | undefined;
  /** Most entries held in memory; the least recently used one makes room. Default 1000. */
  readonly maxEntries?: number | undefined;
  /** Most bytes of encoded values (UTF-8) held in memory, summed over the entries. Default: no such bound. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds after which an entry that was `set` expires; `null` or `Infinity` for never, the default (LRU, not TTL). */
  readonly ttlMs?: number | null | undefined;
}

/** The options of {@link defineNamespace}. */
export interface NamespaceOptions<K, V, M extends ValueMode = ValueMode> extends NamespaceTuning {
  /** 1 to 128 characters; the `namespace` column of the rows. Two definitions in one application never share it. */
  readonly name: string;
  /** How keys are stored; gives the key type. */
  readonly key: KeyCodec<K>;
  /** How values are stored; gives the value type. `MEMORY_ONLY` keeps values as they are, and encodes only to measure them for `maxBytes`. */
  readonly value: ValueCodec<V>;
  /**
   * What readers get. `frozen`: one object for all, frozen at every depth and typed `Immutable<V>`. `copied`: a copy for each
   * read, typed `V` and theirs to change, which changes nothing else; each read then decodes the value. `MEMORY_ONLY` gives the very
   * object that was set, either way. Default `frozen`.
   */
  readonly values?: M | undefined;
  /**
   * What becomes of an entry that is dirty here when another process has written its row since: of an `ON_SHUTDOWN` namespace
   * whose table several processes share, `INVALID_OPTION` at other levels. `'mine'`: what is dirty is written over theirs.
   * `'theirs'`: it is given up for theirs. A function makes one value of `{ base, mine, theirs }`, each `undefined` where absent;
   * `undefined` removes the entry. With a function the text of what each dirty entry was built on is kept, and counts
   * against `maxDirtyBytes`. Default `'mine'`.
   */
  readonly onConflict?: ConflictRule<NoInfer<V>> | undefined;
}

/** A declared namespace: validated, every default filled in, frozen. */
export interface NamespaceDefinition<K = unknown, V = unknown, M extends ValueMode = ValueMode> {
  readonly name: string;
  readonly key: KeyCodec<K>;
  readonly value: ValueCodec<V>;
  readonly values: M;
  readonly onConflict: ConflictRule<V>;
  readonly persistence: CachePersistenceLevel;
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly ttlMs: number | undefined;
}

/** Marks definitions, of whichever copy of this package. */
const DEFINITION = Symbol.for('nestjs-durable-cache:namespace');

const TUNING = ['persistence', 'maxEntries', 'maxBytes', 'ttlMs'] as const;
const OPTIONS: readonly string[] = ['name', 'key', 'value', 'values', 'onConflict', ...TUNING];
const LEVELS: readonly string[] = Object.values(CachePersistenceLevel);

/**
 * Declares a namespace. Key and value types follow from the codecs.
 *
 * Throws `INVALID_OPTION` for an option that is unknown or out of range.
 */
export function defineNamespace<K, V, M extends ValueMode = ValueMode>(
  options: NamespaceOptions<K, V, M>,
): NamespaceDefinition<K, V, M> {
  assertRecord(options, 'defineNamespace', "{ name: 'sessions', key: stringKey(), value: json<Session>() }");
  const name = validName(options.name);
  refuseUnknown(options, OPTIONS, `defineNamespace('${name}')`);
  if (typeof options.key?.encode !== 'function' || typeof options.key.decode !== 'function') {
    throw invalid(name, 'key', 'must be a key codec such as stringKey(), numberKey() or tupleKey(…)');
  }
  if (typeof options.value?.encode !== 'function' || typeof options.value.decode !== 'function') {
    throw invalid(name, 'value', 'must be a value codec such as json<MyType>()');
  }
  const values: ValueMode = options.values ?? 'frozen';
  if (values !== 'frozen' && values !== 'copied')
    throw invalid(name, 'values', "must be 'frozen' or 'copied'");
  const tuned = tuning(name, options, DEFAULTS);
  return freezeDefinition({
    name,
    key: options.key,
    value: values === 'copied' ? new CopyingCodec(options.value) : options.value,
    // What was left out is 'frozen', and typed as that: readers of either mode may take values as readonly.
    values: values as M,
    onConflict: ruleOf(name, options.onConflict, tuned),
    ...tuned,
  });
}

/** Whether `value` is what {@link defineNamespace} gives. */
export function isDefinition(value: unknown): value is NamespaceDefinition {
  return typeof value === 'object' && value !== null && DEFINITION in value;
}

/** The same namespace with other tuning. Throws `INVALID_OPTION` as {@link defineNamespace} does. */
export function tuneNamespace<K, V, M extends ValueMode>(
  definition: NamespaceDefinition<K, V, M>,
  changes: NamespaceTuning,
): NamespaceDefinition<K, V, M> {
  const { name, key, value, values, onConflict } = definition;
  assertKnown(name, changes);
  // A rule that is of no use at the new level stays: whoever tunes a namespace may not be who has declared it.
  return freezeDefinition({ name, key, value, values, onConflict, ...tuning(name, changes, definition) });
}

/** Throws `INVALID_OPTION` for what {@link tuneNamespace} refuses, whichever namespace of that name there is. */
export function assertTuning(name: string, changes: unknown): asserts changes is NamespaceTuning {
  assertKnown(name, changes);
  tuning(name, changes, DEFAULTS);
}

function assertKnown(name: string, changes: unknown): asserts changes is NamespaceTuning {
  const where = `overrides['${name}']`;
  assertRecord(changes, where, '{ maxEntries: 5_000 }');
  refuseUnknown(changes, TUNING, where);
}

type Tuned = Pick<NamespaceDefinition, (typeof TUNING)[number]>;

const DEFAULTS: Tuned = {
  persistence: CachePersistenceLevel.ON_CHANGE,
  maxEntries: 1000,
  maxBytes: undefined,
  ttlMs: undefined,
};

function tuning(name: string, given: NamespaceTuning, base: Tuned): Tuned {
  const tuned: Tuned = {
    persistence: given.persistence ?? base.persistence,
    maxEntries: given.maxEntries ?? base.maxEntries,
    maxBytes: given.maxBytes ?? base.maxBytes,
    ttlMs: 'ttlMs' in given ? ttlOf(name, given.ttlMs) : base.ttlMs,
  };
  if (!LEVELS.includes(tuned.persistence)) {
    throw invalid(name, 'persistence', `must be a CachePersistenceLevel: ${LEVELS.join(', ')}`);
  }
  if (!isPositiveInteger(tuned.maxEntries) || tuned.maxEntries > MAX_ENTRIES) {
    throw invalid(name, 'maxEntries', `must be a whole number from 1 to ${MAX_ENTRIES}`);
  }
  if (tuned.maxBytes !== undefined && !isPositiveInteger(tuned.maxBytes)) {
    throw invalid(name, 'maxBytes', 'must be a whole number above 0, or left out');
  }
  return tuned;
}

/** The most that the index arrays of the LRU can address. */
const MAX_ENTRIES = 2 ** 24;

function ttlOf(name: string, given: unknown): number | undefined {
  const ttlMs = msOf(name, 'ttlMs', given);
  return ttlMs === Infinity ? undefined : ttlMs;
}

function ruleOf<V>(
  name: string,
  given: ConflictRule<V> | undefined,
  { persistence }: Pick<Tuned, 'persistence'>,
): ConflictRule<V> {
  if (given === undefined) return 'mine';
  if (given !== 'mine' && given !== 'theirs' && typeof given !== 'function')
    throw invalid(name, 'onConflict', "must be 'mine', 'theirs', or a function of { base, mine, theirs }");
  if (persistence === CachePersistenceLevel.ON_SHUTDOWN) return given;
  throw invalid(
    name,
    'onConflict',
    'is for the level ON_SHUTDOWN, where writes of several processes meet after they were acknowledged: leave it out, or set persistence ' +
      'to CachePersistenceLevel.ON_SHUTDOWN',
  );
}

function validName(name: unknown): string {
  if (
    typeof name !== 'string' ||
    name === '' ||
    name.length > 128 ||
    name.includes('\0') ||
    !name.isWellFormed()
  ) {
    throw new CacheError(
      'INVALID_OPTION',
      "defineNamespace: 'name' must be a string of 1 to 128 well-formed characters without NUL.",
      { option: 'name' },
    );
  }
  return name;
}

function invalid(namespace: string, option: string, remedy: string): CacheError {
  return new CacheError('INVALID_OPTION', `Namespace '${namespace}': '${option}' ${remedy}.`, {
    namespace,
    option,
  });
}

function freezeDefinition<K, V, M extends ValueMode>(
  definition: NamespaceDefinition<K, V, M>,
): NamespaceDefinition<K, V, M> {
  // Not enumerable: it is a mark, not a property of the namespace.
  return Object.freeze(Object.defineProperty(definition, DEFINITION, { value: true }));
}
