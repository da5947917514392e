import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../src/index.js';
import { Namespace } from '../../src/core/namespace/namespace.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

const page = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');

/** Methods and getters of a class. */
const membersOf = ({ prototype }: { readonly prototype: object }): string[] =>
  Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');

describe('docs/namespaces.md', () => {
  const PAGE = page('namespaces.md');

  it('has a line for every figure', async () => {
    const cache = await new EngineWorld().register(namespaceOf(ON_CHANGE));
    const rows = Array.from(PAGE.matchAll(/^\| `(\w+)` +\|/gm), ([, figure]) => figure);
    expect(rows).toEqual(expect.arrayContaining(Object.keys(cache.stats())));
  });

  it('tells of every method', () => {
    for (const method of membersOf(Namespace)) expect(PAGE).toMatch(new RegExp(`\`${method}[(\`]`));
  });
});

describe('docs/cache-service.md', () => {
  it('has a line for every member, and for no other', () => {
    const rows = Array.from(
      page('cache-service.md').matchAll(/^\| `(\w+)(?:\([^`]*\))?` +\|/gm),
      ([, member]) => member,
    );
    expect(new Set(rows)).toEqual(new Set(membersOf(CacheService)));
  });
});
