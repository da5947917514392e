import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CacheError } from '../../src/index.js';

describe('an error of the cache', () => {
  it('shows what it is about behind its stack, and nothing that it is not about', () => {
    const shown = inspect(new CacheError('INVALID_KEY', 'No.', { namespace: 'chats', key: 'a' }));
    expect(shown).toMatch(/namespace: 'chats'/);
    expect(shown).toMatch(/key: 'a'/);
    expect(shown).not.toMatch(/undefined|option|cause/);
    expect(inspect(new CacheError('CACHE_CLOSED', 'Stopped.'))).not.toContain('undefined');
  });

  it('says of what it is not about that there is none', () => {
    const { namespace, key, option, cause } = new CacheError('CACHE_CLOSED', 'Stopped.');
    expect([namespace, key, option, cause]).toEqual([undefined, undefined, undefined, undefined]);
  });
});
