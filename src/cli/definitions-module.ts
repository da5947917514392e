import { CacheError } from '../core/cache-error.js';
import { isDefinition, type NamespaceDefinition } from '../core/definition/namespace-definition.js';
import { importModule } from './module-import.js';

/**
 * The definitions that a module exports, alone or in arrays, under whatever names. Rejects with `INVALID_OPTION` where there are
 * none, or two of one name.
 */
export async function importDefinitions(path: string): Promise<ReadonlyMap<string, NamespaceDefinition>> {
  const found = new Set<NamespaceDefinition>();
  gather(await importModule('module', path), found, new Set());
  if (found.size === 0)
    throw invalid(
      'exports no definition of a namespace (what defineNamespace returns), alone or in an array',
    );
  const definitions = new Map<string, NamespaceDefinition>();
  for (const definition of found) {
    if (definitions.has(definition.name))
      throw invalid(`exports two definitions of namespace '${definition.name}'`);
    definitions.set(definition.name, definition);
  }
  return definitions;
}

/** A module that was compiled to CommonJS has its exports below `default`, too. */
function gather(exported: unknown, found: Set<NamespaceDefinition>, seen: Set<unknown>): void {
  if (isDefinition(exported)) {
    found.add(exported);
    return;
  }
  if (typeof exported !== 'object' || exported === null || seen.has(exported)) return;
  seen.add(exported);
  if (Array.isArray(exported)) {
    for (const one of exported) if (isDefinition(one)) found.add(one);
    return;
  }
  if (seen.size === 1 || isExports(exported))
    for (const one of Object.values(exported)) gather(one, found, seen);
}

/** Whether an object is the exports of a module, seen from outside, and not something that the module exports. */
function isExports(value: object): boolean {
  return '__esModule' in value || Object.values(value).some((one) => isDefinition(one));
}

function invalid(what: string): CacheError {
  return new CacheError('INVALID_OPTION', `--module names a module that ${what}.`, { option: 'module' });
}
