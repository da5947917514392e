import { describe, expect, it } from 'vitest';
import { postgresOptions } from '../../src/storage/sql/server-options.js';

describe('the connection to PostgreSQL', () => {
  const extraOf = (more: object): unknown => postgresOptions({ type: 'postgres', ...more }, true).extra;

  it('sends statements ahead of answers, unless it is told not to', () => {
    expect(extraOf({})).toMatchObject({ pipeline: true });
    expect(extraOf({ extra: { pipeline: false } })).toMatchObject({ pipeline: false });
  });

  it('sends none ahead through pg-native, which may not be able to, and loses the codes of errors where it is', () => {
    expect(extraOf({ nativeDriver: {} })).not.toHaveProperty('pipeline');
  });
});
