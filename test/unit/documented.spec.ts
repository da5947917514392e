import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Namespace } from '../../src/core/namespace/namespace.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'namespaces.md'), 'utf8');

describe('docs/namespaces.md', () => {
  it('has a line for every figure', async () => {
    const cache = await new EngineWorld().register(namespaceOf(ON_CHANGE));
    const rows = Array.from(PAGE.matchAll(/^\| `(\w+)` +\|/gm), ([, figure]) => figure);
    expect(rows).toEqual(expect.arrayContaining(Object.keys(cache.stats())));
  });

  it('tells of every method', () => {
    const methods = Object.getOwnPropertyNames(Namespace.prototype).filter((name) => name !== 'constructor');
    for (const method of methods) expect(PAGE).toMatch(new RegExp(`\`${method}[(\`]`));
  });
});
