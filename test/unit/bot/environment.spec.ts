import { describe, expect, it } from 'vitest';
import { readEnvironment } from '../../../src/bot/environment.js';

describe('the environment', () => {
  it('has a default for everything', () => {
    expect(readEnvironment({})).toEqual({ telegram: undefined, port: 3000, database: undefined });
    expect(readEnvironment({ PORT: '', TELEGRAM_BOT_TOKEN: ' ', CACHE_DATABASE: '' })).toEqual(
      readEnvironment({}),
    );
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
      database: '/tmp/x',
    });
  });

  it.each(['abc', '-1', '65536', '3000.5', '0x10'])('refuses %s as a port', (PORT) => {
    expect(() => readEnvironment({ PORT })).toThrow('PORT must be');
  });

  it('refuses what is no address', () => {
    const variables = { TELEGRAM_BOT_TOKEN: '1:a', TELEGRAM_API_ROOT: 'localhost:8081' };
    expect(() => readEnvironment(variables)).toThrow('TELEGRAM_API_ROOT must be');
  });
});
