import { describe, expect, it } from 'vitest';
import { readEnvironment } from '../../../src/bot/environment.js';

describe('the environment', () => {
  it('has a default for everything', () => {
    expect(readEnvironment({})).toEqual({ telegram: undefined, port: 3000, cache: {} });
    expect(
      readEnvironment({ PORT: '', TELEGRAM_BOT_TOKEN: ' ', CACHE_DATABASE: '', DATABASE_URL: '' }),
    ).toEqual(readEnvironment({}));
  });

  it('names the token, the server, the port and the file', () => {
    expect(
      readEnvironment({
        TELEGRAM_BOT_TOKEN: '1:a',
        TELEGRAM_API_ROOT: 'http://localhost:8081/',
        PORT: '0',
        CACHE_DATABASE: '/tmp/x',
      }),
    ).toEqual({
      telegram: { token: '1:a', apiRoot: 'http://localhost:8081' },
      port: 0,
      cache: { storage: { type: 'sqlite', database: '/tmp/x' } },
    });
  });

  it.each([
    ['postgres://bot:secret@db/bot', 'postgres'],
    ['postgresql://db/bot', 'postgres'],
    ['mysql://db/bot', 'mysql'],
    ['mariadb://db/bot', 'mariadb'],
  ])('takes %s for a server, which several bots may share', (url, type) => {
    expect(readEnvironment({ DATABASE_URL: url, CACHE_INSTANCES: 'many' }).cache).toEqual({
      storage: { type, url },
      instances: 'many',
    });
  });

  it.each([
    [{ DATABASE_URL: 'redis://:secret@host' }, 'DATABASE_URL must begin with'],
    [{ DATABASE_URL: 'secret.sqlite' }, 'CACHE_DATABASE names a file'],
    [{ DATABASE_URL: 'mysql://db/bot', CACHE_DATABASE: 'secret.sqlite' }, 'Set one of them'],
    [{ CACHE_INSTANCES: 'two' }, 'CACHE_INSTANCES must be one or many'],
  ])('refuses %o, and does not repeat it', (variables, reason) => {
    expect(() => readEnvironment(variables)).toThrow(reason);
    expect(() => readEnvironment(variables)).not.toThrow('secret');
  });

  it.each(['abc', '-1', '65536', '3000.5', '0x10'])('refuses %s as a port', (PORT) => {
    expect(() => readEnvironment({ PORT })).toThrow('PORT must be');
  });

  it('refuses what is no address', () => {
    const variables = { TELEGRAM_BOT_TOKEN: '1:a', TELEGRAM_API_ROOT: 'localhost:8081' };
    expect(() => readEnvironment(variables)).toThrow('TELEGRAM_API_ROOT must be');
  });
});
