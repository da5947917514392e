import { describe, expect, it } from 'vitest';
import { withoutQuotes } from '../../src/storage/driver-error.js';

describe('the message of a database', () => {
  it.each([
    ['database "nowhere" does not exist', 'the database does not exist'],
    ['role "nobody" does not exist', 'the role does not exist'],
    ['password authentication failed for user "cache"', 'password authentication failed'],
    ["Unknown database 'nowhere'", 'unknown database'],
    [
      "Access denied for user 'cache'@'localhost' (using password: YES)",
      'access denied (using password: YES)',
    ],
  ])('about a name can be read without it: %s', (message, readable) => {
    expect(withoutQuotes(message)).toBe(readable);
  });

  it.each([
    'role "a" does not exist "secret" does not exist',
    'role "x"\n"secret" does not exist',
    "Access denied for user 'a' (using password: YES) 'secret'@'h' (using password: NO)",
    "Access denied for user 'secret'@'h' to database 'secret'",
    'database "secret" does not exist in "secret"',
    'password authentication failed for user "secret" (secret)',
    'invalid input syntax for type integer: "secret" does not exist',
  ])('shows nothing that is quoted: %s', (message) => {
    expect(withoutQuotes(message)).not.toContain('secret');
  });
});
