import { expect } from 'vitest';
import {
  CachePersistenceLevel,
  defineNamespace,
  json,
  stringKey,
  type NamespaceDefinition,
  type NamespaceTuning,
  type ValueCodec,
} from '../../src/index.js';

export const { MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN } = CachePersistenceLevel;

/** A namespace of JSON values by string, named like its level unless told otherwise. */
export function namespaceOf<V = unknown>(
  persistence: CachePersistenceLevel,
  tuning: NamespaceTuning & { name?: string } = {},
): NamespaceDefinition<string, V> {
  const { name = persistence, ...rest } = tuning;
  return defineNamespace({
    name,
    key: stringKey(),
    value: json<unknown>() as ValueCodec<V>,
    persistence,
    ...rest,
  });
}

/** How many there are in a counter value; for updaters. */
export const increment = (count: number | undefined): number => (count ?? 0) + 1;

export const errorWith = (code: string): Error =>
  expect.objectContaining({ name: 'CacheError', code }) as Error;
