import { describe, expect, it } from 'vitest';
import { readAddress } from '../../src/cli/address.js';
import { errorWith } from '../support/definitions.js';

describe('an address of the command', () => {
  it.each([
    ['postgres://u:pw@h:5432/db', { kind: 'server', type: 'postgres' }],
    ['PostgreSQL://u:pw@h/db', { kind: 'server', type: 'postgres' }],
    ['mysql://u:p%40w@h/db.js', { kind: 'server', type: 'mysql' }],
    ['mariadb://u@h/db', { kind: 'server', type: 'mariadb' }],
    ['postgres:///db', { kind: 'server', type: 'postgres' }],
  ])('is one of a server: %s', (text, expected) => {
    expect(readAddress('from', text)).toEqual({ ...expected, url: text });
  });

  it.each([
    'data/cache.sqlite',
    'cache.db',
    '/srv/app/data/cache.sqlite',
    '/home/me@work/cache.sqlite',
    './me@work/cache.sqlite',
    '../12:30/a@b.sqlite',
    'C:\\data\\cache.sqlite',
    'd:/data/cache.sqlite',
    'with blanks inside.sqlite',
    'postgres/cache.sqlite',
    'data/mysql.sqlite',
    'packages/@app/cache.sqlite',
  ])('is the path of a file: %s', (path) => {
    expect(readAddress('from', path)).toEqual({ kind: 'file', path });
  });

  it.each(['./data-source.js', 'target.mjs', '/srv/app/target.cjs'])('is a module: %s', (path) => {
    expect(readAddress('from', path)).toEqual({ kind: 'module', path });
  });

  it.each([
    'postgres:/u:pw@h/db',
    'postgres:/u:pw@h/db.js',
    'postgres:u:pw@h/db',
    'postgres//u:pw@h/db',
    'postgres//h/db',
    'postgres;//u:pw@h/db',
    ' postgres://u:pw@h/db',
    'postgres://u:pw@h/db ',
    '\tpostgres://u:pw@h/db',
    '"postgres://u:pw@h/db"',
    "'mysql://u:pw@h/db'",
    '/postgres://u:pw@h/db',
    './postgres://u:pw@h/db',
    '//u:pw@h/db',
    '/u:pw@h/db',
    '://u:pw@h/db',
    'u:pw@h/db',
    'u:pw@h:5432/db',
    'u@h/db',
    'h:5432/db',
    'jdbc:postgresql://h/db?user=u&password=pw',
    'jdbc:mysql:u:pw@h',
    'host=h user=u password=pw',
    'Server=h;Database=db;Pwd=pw',
    'redis://u:pw@h/1',
    'mssql://u:pw@h/db',
    'postgress://u:pw@h/db',
    'http://u:pw@h/db',
    'file:///srv/cache.sqlite',
    'file:cache.sqlite',
    'sqlite://data/cache.sqlite',
    'sqlite:data/cache.sqlite',
    ':memory:',
    'postgres://u:p/w@h/db',
    'postgres://u:p#w@h/db',
    'postgres://',
    'postgres://u:1234/h:5432/db',
    'mysql://u:1234/h/db',
  ])('is refused without being shown: %s', (text) => {
    let error: unknown;
    try {
      readAddress('to', text);
    } catch (reason) {
      error = reason;
    }
    expect(error).toEqual(errorWith('INVALID_OPTION'));
    const { message } = error as Error;
    expect(message).toMatch(/^--to /);
    expect(message).not.toMatch(/pw|u:|@h/);
  });

  it.each([
    'postgres://u:pw@h:5432/db',
    'mysql://u:pw@h/db',
    'mariadb://u:pw@h/db.js',
    'postgresql://u:pw@h/db?x=1',
  ])('is never taken for a file or a module for a slip in %s', (url) => {
    for (let i = 0; i < url.length; i += 1) {
      const [before, after] = [url.slice(0, i), url.slice(i)];
      const [first = '', second = ''] = after;
      const slips = [
        ...[1, 2, 3].map((missing) => before + after.slice(missing)),
        before + first + after,
        `${before} ${after}`,
        before + second + first + after.slice(2),
        ...['/', ':', ';', '.', '@'].map((other) => before + other + after.slice(1)),
      ];
      for (const slip of slips)
        expect([slip, kindOf(slip)]).toEqual([slip, expect.stringMatching(/server|refused/)]);
    }
  });
});

function kindOf(text: string): string {
  try {
    return readAddress('to', text).kind;
  } catch {
    return 'refused';
  }
}
