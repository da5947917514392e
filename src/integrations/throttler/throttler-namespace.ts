import {
  CachePersistenceLevel,
  defineNamespace,
  json,
  stringKey,
  type NamespaceDefinition,
  type NamespaceTuning,
} from '../../index.js';
import { CodecMark } from '../codec-mark.js';
import type { HitRecord } from './hit-record.js';

/** On the codec of a {@link throttlerNamespace}. */
export const HIT_RECORDS: CodecMark = new CodecMark('hit-records');

const hitRecords = HIT_RECORDS.on(json<HitRecord>());

/** The options of {@link throttlerNamespace}. */
export interface ThrottlerNamespaceOptions extends Omit<NamespaceTuning, 'ttlMs'> {
  /** The `namespace` column of the rows; unique in the application. */
  readonly name: string;
  /**
   * `MEMORY_ONLY`: each instance counts for itself, at the speed of memory, and forgets with the process. `ON_CHANGE`: all
   * instances count together, exactly, and each counted hit is a commit. `ON_SHUTDOWN`: at the speed of memory, and kept over
   * restarts, for one instance. Default `MEMORY_ONLY`.
   */
  readonly persistence?: CachePersistenceLevel | undefined;
  /** Most keys in memory. On `MEMORY_ONLY` a key beyond, the one hit least recently, starts anew. Default 10 000. */
  readonly maxEntries?: number | undefined;
}

/**
 * Declares the namespace of a `DurableThrottlerStorage`. An entry expires when its hits, its window and its block are over.
 *
 * Throws `INVALID_OPTION` for an option that is unknown or out of range.
 */
export function throttlerNamespace(
  options: ThrottlerNamespaceOptions,
): NamespaceDefinition<string, HitRecord> {
  const { persistence = CachePersistenceLevel.MEMORY_ONLY, maxEntries = 10_000 } = options ?? {};
  return defineNamespace({
    ...options,
    persistence,
    maxEntries,
    key: stringKey(),
    value: hitRecords,
  });
}
