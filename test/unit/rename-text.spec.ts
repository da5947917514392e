import { describe, expect, it } from 'vitest';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

/** What JSON.parse and JSON.stringify do not bring back: a Python program may have written it. */
const TEXT = '{"id": 12345678901234567890}';

describe.each([ON_CHANGE, ON_SHUTDOWN])('a rename (%s)', (level) => {
  it.each(['before', 'after'])('keeps the stored text as it is, %s the value was read', async (when) => {
    const world = new EngineWorld();
    const puts = [{ key: 'a', value: TEXT, expiresAt: null }];
    await writeChanges(world.rows, [{ namespace: level, puts }], 1);
    const cache = await world.register(namespaceOf(level));
    if (when === 'after') await cache.get('a');
    expect(await cache.rename('a', 'b')).toBe(true);
    await cache.flush();
    expect(await world.rows.read(level, ['a', 'b'])).toMatchObject([
      { key: 'b', value: TEXT, expiresAt: null },
    ]);
  });
});
