import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bigintKey, numberKey, stringKey, tupleKey, type KeyCodec } from '../../src/index.js';
import { KeySpace } from '../../src/core/keys/key-space.js';

const strings = new KeySpace('s', stringKey());
const numbers = new KeySpace('n', numberKey());
const bigints = new KeySpace('b', bigintKey());
const pairs = new KeySpace('p', tupleKey(numberKey(), numberKey()));
const texts = new KeySpace('t', tupleKey(stringKey(), stringKey()));

/** The key as it is found again after a restart. */
function afterRestart<K>(keys: KeySpace<K>, key: K): K {
  const memoryKey = keys.parse(keys.textOf(keys.admit(key)));
  expect(memoryKey).toBeDefined();
  return keys.keyOf(memoryKey as never);
}

const refused = (code = 'INVALID_KEY'): object => expect.objectContaining({ code }) as object;

describe('number keys', () => {
  it.each([0, 1, -1, 1.5, -1001234567890, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e-7])(
    '%d comes back as the number it was',
    (key) => {
      expect(afterRestart(numbers, key)).toBe(key);
    },
  );

  it.each([NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53), 1e21])('%d is refused', (key) => {
    expect(() => numbers.admit(key)).toThrow(refused());
  });

  it.each(['1', null, undefined, 1n, {}])('refuses %o, which is no number', (key) => {
    expect(() => numbers.admit(key as never)).toThrow(refused());
  });

  it.each(['9007199254740993', '007', '1.0', ' 1', '', 'abc', '0x10', '1e3', '-0'])(
    'a stored %o is nobody’s key rather than a mangled one',
    (text) => {
      expect(numbers.parse(text)).toBeUndefined();
    },
  );

  it('finds zero under either sign', () => {
    expect(numbers.textOf(numbers.admit(-0))).toBe('0');
  });
});

describe('bigint keys', () => {
  it('holds what a number can not', () => {
    expect(afterRestart(bigints, 2n ** 53n + 1n)).toBe(2n ** 53n + 1n);
    expect(afterRestart(bigints, -12n)).toBe(-12n);
    expect(bigints.parse('012')).toBeUndefined();
    expect(() => bigints.admit(1 as never)).toThrow(refused());
  });
});

describe('string keys', () => {
  it.each([
    'a',
    'A',
    'a ',
    ' a',
    'é',
    'e\u0301',
    'а',
    '__proto__',
    'constructor',
    "'; DROP TABLE x; --",
    '😀',
  ])('%o comes back as it was', (key) => {
    expect(afterRestart(strings, key)).toBe(key);
  });

  it('takes 512 characters, counted as code points, and not one more', () => {
    expect(strings.admit('x'.repeat(512))).toHaveLength(512);
    expect(strings.admit('😀'.repeat(512))).toHaveLength(1024);
    expect(() => strings.admit('x'.repeat(513))).toThrow(refused());
    expect(() => strings.admit('😀'.repeat(513))).toThrow(refused());
    expect(() => strings.admit('x'.repeat(1_000_000))).toThrow(refused());
  });

  it.each([
    ['', 'empty'],
    ['a\0b', 'NUL'],
    ['\ud800', 'a lone surrogate'],
    ['x\udc00', 'a lone surrogate'],
  ])('refuses %o: %s', (key) => {
    expect(() => strings.admit(key)).toThrow(refused());
  });

  it('never says the key in its message', () => {
    const secret = 'secret\0';
    expect(() => strings.admit(secret)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') as string }) as object,
    );
  });
});

describe('tuple keys', () => {
  it('stores a simple tuple as its elements joined with a colon', () => {
    expect(pairs.textOf(pairs.admit([123, 456]))).toBe('123:456');
    expect(texts.textOf(texts.admit(['123', '456']))).toBe('123:456');
    expect(afterRestart(pairs, [-1001234567890, 42])).toEqual([-1001234567890, 42]);
  });

  it.each([
    [
      ['a:b', 'c'],
      ['a', 'b:c'],
    ],
    [
      ['a\\', ':b'],
      ['a', '\\:b'],
    ],
    [
      ['a\\:b', 'c'],
      ['a:b', 'c'],
    ],
    [
      ['a', 'b'],
      ['A', 'b'],
    ],
    [
      ['a', 'b'],
      ['a', 'b '],
    ],
    [
      ['a', 'b'],
      ['а', 'b'],
    ],
  ] as const)('%o and %o never collide', (one, other) => {
    expect(texts.admit(one)).not.toBe(texts.admit(other));
    expect(afterRestart(texts, one)).toEqual(one);
    expect(afterRestart(texts, other)).toEqual(other);
  });

  it('brings any tuple back, and gives no two of them one stored form', () => {
    const element = fc.string({ minLength: 1, unit: fc.constantFrom('a', ':', '\\', 'é', ' ', 'A', '1') });
    const pair = fc.tuple(element, element);
    fc.assert(
      fc.property(pair, pair, (one, other) => {
        expect(afterRestart(texts, one)).toEqual(one);
        const same = one[0] === other[0] && one[1] === other[1];
        expect(texts.admit(one) === texts.admit(other)).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([[[1]], [[1, 2, 3]], ['1:2'], [null], [[1, NaN]], [[1, '2']], [{ 0: 1, 1: 2, length: 2 }]])(
    'refuses %o',
    (key) => {
      expect(() => pairs.admit(key as never)).toThrow(refused());
    },
  );

  it('nests', () => {
    const nested = new KeySpace('x', tupleKey(tupleKey(stringKey(), numberKey()), stringKey()));
    const key = [['a:\\', 1], ':'] as const;
    expect(afterRestart(nested, key)).toEqual(key);
  });

  it.each(['1', '1:2:3', '1:', ':1', '1\\:2', '1:2\\', '1\\x:2'])('a stored %o is nobody’s key', (text) => {
    expect(pairs.parse(text)).toBeUndefined();
  });
});

describe('a codec of the app', () => {
  it('is held to the same rules', () => {
    const codec: KeyCodec<Date> = {
      expects: 'a date',
      encode: (date) => date.toISOString(),
      decode: (text) => new Date(text),
    };
    const dates = new KeySpace('d', codec);
    expect(afterRestart(dates, new Date(0))).toEqual(new Date(0));
    expect(() => dates.admit(new Date(NaN))).toThrow(refused());
    expect(() => dates.admit({} as Date)).toThrow(refused());
  });
});
