import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCacheError, json } from '../../../src/index.js';
import { errorWith } from '../../support/definitions.js';

class Account {
  balance = 1;
  deposit(amount: number): void {
    this.balance += amount;
  }
}

class Celsius {
  degrees = 20;
  get fahrenheit(): number {
    return this.degrees * 1.8 + 32;
  }
}

class Money {
  constructor(readonly cents: number) {}
  toJSON(): string {
    return `${this.cents / 100}`;
  }
}

/** Data alone, as a DTO or an entity of an ORM. */
class Player {
  id = 7;
  name = 'Ada';
  team: Player | undefined;
}

class Captain extends Player {
  since = 2020;
}

const codec = json();

function refusalOf(value: unknown): string {
  try {
    codec.encode(value);
  } catch (error) {
    if (isCacheError(error, 'INVALID_VALUE')) return error.message;
    throw error;
  }
  throw new Error('It was taken.');
}

function nested(levels: number, inmost: unknown): unknown {
  let value = inmost;
  for (let i = 0; i < levels; i += 1) value = i % 2 === 0 ? [value] : { value };
  return value;
}

/** Each property of it is another of its kind. */
function endless(): object {
  return new Proxy(
    {},
    {
      ownKeys: () => ['left', 'right'],
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }),
      get: (_target, name) => (name === 'toJSON' ? undefined : endless()),
    },
  );
}

const cycle: { a: { b?: unknown } } = { a: {} };
cycle.a.b = cycle;

/** A cycle that JSON does not see, since the object replaces itself. */
const hidden: Record<string, unknown> = { list: [{}], toJSON: () => ({}) };
hidden['list'] = [{ up: hidden }, { up: hidden }];

describe('json()', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'a Date',
      { createdAt: new Date(0) },
      /^value\.createdAt is a Date: use rich<T>\(\).*value\.createdAt\.toISOString\(\)/,
    ],
    ['a Date as a whole', new Date(0), /^value is a Date/],
    ['a Map', { byName: new Map() }, /^value\.byName is a Map: use rich/],
    ['a Set', [new Set([1])], /^value\[0\] is a Set: use rich.*\[\.\.\.value\[0\]\]/],
    [
      'a bigint',
      { of: { total: 1n } },
      /^value\.of\.total is a bigint: use rich.*String\(value\.of\.total\)/,
    ],
    ['a function', { format: () => '' }, /^value\.format is a function: leave it out/],
    ['a function as a whole', () => 1, /^value is a function/],
    ['a symbol', { id: Symbol('x') }, /^value\.id is a symbol: leave it out/],
    ['a typed array', { points: new Float64Array(1) }, /^value\.points is binary data: use rich/],
    ['a Buffer', Buffer.from('a'), /^value is binary data: use rich.*base64/],
    ['an Error', { cause: new TypeError('x') }, /^value\.cause is an Error: use rich/],
    ['a RegExp', { 'the pattern': /x/ }, /^value\["the pattern"\] is a RegExp/],
    ['NaN', [[1, [NaN]]], /^value\[0\]\[1\]\[0\] is NaN: use rich.*store null/],
    ['an infinity', { least: -Infinity }, /^value\.least is infinite/],
    ['undefined as a whole', undefined, /use null, or delete the key/],
    ['undefined in an array', [1, undefined], /^value\[1\] is undefined/],
    // oxlint-disable-next-line no-sparse-arrays -- it is what is tested
    ['a hole in an array', [1, , 3], /^value\[1\] is a hole in an array: store null/],
    ['a boxed primitive', { n: Object(1) }, /^value\.n is a boxed primitive: store value\.n\.valueOf\(\)/],
    [
      'an instance with methods',
      { owner: new Account() },
      /^value\.owner, an instance of Account, would come back without its class/,
    ],
    ['an instance with accessors', new Celsius(), /^value, an instance of Celsius,/],
    ['an instance with toJSON', [new Money(5)], /^value\[0\], an instance of Money,/],
    [
      'an instance of a class that extends Map',
      new (class Index extends Map {})(),
      /^value, an instance of Index,/,
    ],
    [
      'an error of a class of the app',
      new (class NotFound extends Error {})('x'),
      /^value, an instance of NotFound,/,
    ],
    ['a promise', Promise.resolve(1), /^value, an instance of Promise,/],
    ['an object that replaces itself', hidden, /^value has a toJSON/],
    ['a cycle', cycle, /^value\.a\.b refers back to what it is in: store an id instead/],
    ['what is wrong deep inside', nested(3000, [new Date(0)]), /^value\.value\[0\].*… is a Date/],
    ['a proxy of a Date', new Proxy(new Date(0), {}), /^value, an instance of Date,/],
  ])('refuses %s, and says where it is and what to do', (_what, value, message) => {
    expect(refusalOf(value)).toMatch(message);
  });

  it.each<[string, unknown]>([
    ['a Date', '({ at: new Date(0) })'],
    ['a Map', '({ at: new Map() })'],
    ['an Error', '({ at: new Error("x") })'],
    ['a RegExp', '({ at: /x/ })'],
    ['a typed array', '({ at: new Uint8Array(1) })'],
    ['a boxed primitive', '({ at: new String("x") })'],
    ['an instance', '({ at: new (class { method() {} })() })'],
  ])('refuses %s of another realm', (_what, source) => {
    expect(refusalOf(runInNewContext(source as string))).toMatch(/^value\.at/);
  });

  it('takes plain data of another realm', () => {
    const value: unknown = runInNewContext('({ list: [{ n: 1 }, [null]], none: Object.create(null) })');
    expect(codec.decode(codec.encode(value))).toEqual({ list: [{ n: 1 }, [null]], none: {} });
  });

  it('stores an instance of a class of data alone as its data', () => {
    const captain = new Captain();
    captain.team = new Player();
    const stored = codec.decode(codec.encode([captain, captain]));
    const data = { id: 7, name: 'Ada', team: { id: 7, name: 'Ada' }, since: 2020 };
    expect(stored).toStrictEqual([data, data]);
  });

  it('leaves out what is undefined or keyed by a symbol, and makes -0 a 0', () => {
    const stored = codec.decode(codec.encode({ a: undefined, [Symbol('b')]: 1, zero: -0 }));
    expect(stored).toStrictEqual({ zero: 0 });
  });

  it('keeps own properties that mean something to an object', () => {
    const value: unknown = JSON.parse('{"__proto__":{"admin":true},"constructor":1,"hasOwnProperty":null}');
    expect(codec.encode(codec.decode(codec.encode(value)))).toBe(JSON.stringify(value));
    const bad = JSON.parse('{"__proto__":{}}') as Record<string, Record<string, unknown>>;
    Object.assign(Object.getOwnPropertyDescriptor(bad, '__proto__')?.value as object, { at: new Date(0) });
    expect(refusalOf(bad)).toMatch(/^value\.__proto__\.at is a Date/);
  });

  it('takes a proxy of plain data, and what a getter gives', () => {
    const value = new Proxy(
      {
        list: [1],
        get later() {
          return 'now';
        },
      },
      {},
    );
    expect(codec.encode(value)).toBe('{"list":[1],"later":"now"}');
  });

  it.each<[string, () => unknown]>([
    [
      'a getter that throws',
      () => ({
        get at(): never {
          throw new RangeError('mine');
        },
      }),
    ],
    [
      'a proxy that throws',
      () =>
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new RangeError('mine');
            },
          },
        ),
    ],
    [
      'a proxy that is revoked',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return { proxy };
      },
    ],
    ['nesting without end', endless],
    ['nesting deeper than the stack', () => nested(1e5, 1)],
    ['a Date deeper than the stack', () => nested(1e5, new Date(0))],
  ])('refuses %s with its code, too', (_what, make) => {
    expect(() => codec.encode(make())).toThrow(errorWith('INVALID_VALUE'));
  });

  it('takes nesting as deep as JSON does', () => {
    const value = nested(3000, 'inmost');
    expect(codec.encode(value)).toBe(JSON.stringify(value));
  });

  it('gives back exactly what it takes, whatever it is given', () => {
    fc.assert(
      fc.property(anything(), (value) => {
        let text: string;
        try {
          text = codec.encode(value);
        } catch (error) {
          expect(error).toEqual(errorWith('INVALID_VALUE'));
          return;
        }
        expect(codec.decode(text)).toEqual(asJson(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes all that JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(codec.decode(codec.encode(value))).toEqual(asJson(value));
      }),
    );
  });

  it('checks nothing where a reviver says what comes back, or where it is told not to', () => {
    const value = { at: new Date(0), tags: new Set([1]), list: [undefined, NaN] };
    const altered = { at: '1970-01-01T00:00:00.000Z', tags: {}, list: [null, null] };
    const unchecked = json<unknown>({ unchecked: true });
    expect(unchecked.decode(unchecked.encode(value))).toEqual(altered);
    const revived = json<{ at: Date }>({
      reviver: (name, given) => (name === 'at' ? new Date(given as string) : given),
    });
    expect(revived.decode(revived.encode({ at: new Date(0) }))).toEqual({ at: new Date(0) });
    expect(() => unchecked.encode(cycle)).toThrow(errorWith('INVALID_VALUE'));
    expect(() => unchecked.encode(() => 1)).toThrow(/has no JSON form/);
  });

  it('checks what a replacer is given', () => {
    const secretive = json<unknown>({ replacer: (name, given) => (name === 'password' ? undefined : given) });
    expect(secretive.encode({ name: 'Ada', password: { of: [1, 2, [3]] } })).toBe('{"name":"Ada"}');
    expect(() => secretive.encode({ at: new Date(0) })).toThrow(/value\.at is a Date/);
    // JSON does not see it.
    expect(() => secretive.encode({ password: cycle })).toThrow(/value\.password\.a\.b refers back/);
  });

  it('says of a path no more than its beginning', () => {
    expect(refusalOf({ ['x'.repeat(1000)]: new Date(0) }).length).toBeLessThan(500);
  });
});

function anything(): fc.Arbitrary<unknown> {
  return fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  });
}

/** What is documented to change: `undefined` properties and prototypes go (which toEqual does not see), -0 becomes 0. */
function asJson(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.keys(value).map((name): [string, unknown] => [
    name,
    asJson((value as Record<string, unknown>)[name]),
  ]);
  return Object.fromEntries(entries.filter(([, child]) => child !== undefined));
}
