import { isDeepStrictEqual } from 'node:util';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { json, rich } from '../../../src/index.js';
import { errorWith } from '../../support/definitions.js';
import { richValues } from '../../support/rich-values.js';

class Account {
  balance = 1;
  deposit(): void {
    this.balance += 1;
  }
}

class Dto {
  id = 1;
  at = new Date(0);
}

const codec = rich();

function back(value: unknown): unknown {
  return codec.decode(codec.encode(value));
}

describe('rich()', () => {
  it('gives back exactly what it takes', () => {
    fc.assert(
      fc.property(richValues(), (value) => {
        fc.pre(value !== undefined);
        // Prototypes, -0 and what is not enumerable in errors included.
        expect(isDeepStrictEqual(back(value), value)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('gives back an invalid date as one', () => {
    const { at } = back({ at: new Date(NaN) }) as { at: Date };
    expect(at).toBeInstanceOf(Date);
    expect(at.getTime()).toBeNaN();
  });

  it('takes nothing that it does not give back, whatever it is given', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        let text: string;
        try {
          text = codec.encode(value);
        } catch (error) {
          expect(error).toEqual(errorWith('INVALID_VALUE'));
          return;
        }
        // Two invalid dates are not equal to Node.
        fc.pre(!text.includes('"$date":null'));
        expect(isDeepStrictEqual(codec.decode(text), value)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('writes text that people can read', () => {
    const value = {
      at: new Date(0),
      tags: new Set(['a']),
      by: new Map([[1, 2n]]),
      none: undefined,
      rate: NaN,
    };
    expect(codec.encode(value)).toBe(
      '{"at":{"$date":"1970-01-01T00:00:00.000Z"},"tags":{"$set":["a"]},"by":{"$map":[[1,{"$bigint":"2"}]]},' +
        '"none":{"$undefined":true},"rate":{"$number":"NaN"}}',
    );
  });

  it('writes what JSON keeps as JSON, and reads what json() has written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('"$') && !hasMinusZero(value));
        expect(codec.encode(value)).toBe(JSON.stringify(value));
        expect(codec.decode(json<unknown>().encode(value))).toEqual(value);
      }),
    );
  });

  it('keeps data that looks like its tags', () => {
    for (const value of [
      { $date: 'x' },
      { $$date: 'x' },
      { $: 1 },
      { $map: [[1, 2]], more: 1 },
      [{ $set: { $set: [] } }],
    ]) {
      expect(back(value)).toStrictEqual(value);
    }
  });

  it('keeps an error with its class, its stack, its cause and what it was given', () => {
    const error = Object.assign(new RangeError('too far', { cause: { at: new Date(0) } }), { code: 'E_FAR' });
    const restored = back(error) as typeof error;
    expect(restored).toBeInstanceOf(RangeError);
    expect(restored.stack).toBe(error.stack);
    expect(restored.cause).toStrictEqual({ at: new Date(0) });
    expect(restored.code).toBe('E_FAR');
    expect(Object.keys(restored)).toEqual(['code']);
    expect(String(restored)).toBe('RangeError: too far');
    const many = back(new AggregateError([new TypeError('a'), 1n], 'many')) as AggregateError;
    expect(many.errors).toStrictEqual([new TypeError('a'), 1n]);
    expect('cause' in (back(new Error('plain')) as Error)).toBe(false);
  });

  it('keeps what an error was given, whatever it is called, where it has nothing else', () => {
    const special = [
      '$date',
      '$$date',
      '$',
      '$undefined',
      '$later',
      '__proto__',
      'message',
      'stack',
      'cause',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...special), richValues(), (name, given) => {
        const error = new Error();
        Reflect.deleteProperty(error, 'stack');
        const enumerable = !['message', 'stack', 'cause'].includes(name);
        Object.defineProperty(error, name, { value: given, enumerable, writable: true, configurable: true });
        const restored = Object.getOwnPropertyDescriptors(back(error));
        expect(isDeepStrictEqual(restored, Object.getOwnPropertyDescriptors(error))).toBe(true);
      }),
    );
  });

  it('keeps where a regular expression goes on', () => {
    const pattern = /a/g;
    pattern.lastIndex = 3;
    expect((back(pattern) as RegExp).lastIndex).toBe(3);
  });

  it('stores of a Buffer what it shows, not the memory that it shares', () => {
    const text = codec.encode(Buffer.from('abc'));
    expect(text).toBe('{"$bytes":["Buffer","YWJj"]}');
    const restored = codec.decode(text);
    expect(Buffer.isBuffer(restored)).toBe(true);
  });

  it('keeps values of another realm', () => {
    const foreign: unknown = runInNewContext(
      '({ at: new Date(5), map: new Map([[/x/g, new Set([1n])]]), error: new TypeError("x"), bytes: new Uint8Array([7]) })',
    );
    const restored = back(foreign) as Record<string, unknown>;
    expect(restored['at']).toStrictEqual(new Date(5));
    expect(restored['map']).toStrictEqual(new Map([[/x/g, new Set([1n])]]));
    expect(restored['error']).toBeInstanceOf(TypeError);
    expect(restored['bytes']).toStrictEqual(new Uint8Array([7]));
  });

  it('stores an instance of a class of data alone as its data', () => {
    expect(back([new Dto()])).toStrictEqual([{ id: 1, at: new Date(0) }]);
  });

  it.each<[string, unknown, RegExp]>([
    [
      'an instance with methods',
      { owner: new Account() },
      /^value\.owner, an instance of Account, would come back without its class/,
    ],
    ['an instance in a Map', new Map([['k', new Account()]]), /^value<value 0>, an instance of Account,/],
    ['a function in a Set', [new Set([() => 1])], /^value\[0\]<element 0> is a function/],
    ['a symbol', { id: Symbol('x') }, /^value\.id is a symbol/],
    ['a boxed primitive', Object('x'), /^value is a boxed primitive/],
    // oxlint-disable-next-line no-sparse-arrays -- it is what is tested
    ['a hole in an array', [, 1], /^value\[0\] is a hole/],
    ['undefined as a whole', undefined, /use null, or delete the key/],
    [
      'a Map with a property',
      Object.assign(new Map(), { size2: 1 }),
      /^value has properties that would be lost/,
    ],
    [
      'an error of a class of the app',
      { of: new (class NotFound extends Error {})('x') },
      /^value\.of, an instance of NotFound,/,
    ],
    [
      'a function in the cause of an error',
      new Error('x', { cause: { f: () => 1 } }),
      /^value\.cause\.f is a function/,
    ],
    ['a DataView', new DataView(new ArrayBuffer(1)), /^value, an instance of DataView,/],
  ])('refuses %s, and says where it is', (_what, value, message) => {
    expect(() => codec.encode(value)).toThrow(errorWith('INVALID_VALUE'));
    expect(() => codec.encode(value)).toThrow(message);
  });

  it('refuses cycles, through a Map too, and nesting that readers may have no stack for', () => {
    const map = new Map<string, unknown>();
    map.set('self', { map });
    expect(() => codec.encode(map)).toThrow(/refers back to what it is in/);
    let deep: unknown = new Date(0);
    for (let i = 0; i < 500; i += 1) deep = i % 2 === 0 ? [deep] : new Map([[deep, 1]]);
    expect(back(deep)).toStrictEqual(deep);
    expect(() => codec.encode([deep])).toThrow(/is nested too deep/);
    for (let i = 0; i < 1e5; i += 1) deep = [deep];
    expect(() => codec.encode(deep)).toThrow(errorWith('INVALID_VALUE'));
  });

  it('reads JSON of any depth', () => {
    const text = `${'[{"a":'.repeat(50_000)}{"$date":null}${'}]'.repeat(50_000)}`;
    expect(Array.isArray(codec.decode(text))).toBe(true);
  });

  it.each([
    '{"$date":"soon"}',
    '{"$date":5}',
    '{"$date":"2020-01-01"}',
    '{"$bigint":"0x10"}',
    '{"$bigint":""}',
    '{"$number":"7"}',
    '{"$undefined":1}',
    '{"$map":[[1]]}',
    '{"$map":{}}',
    '{"$set":"abc"}',
    '{"$regexp":["(","g"]}',
    '{"$regexp":["a","g","x"]}',
    '{"$bytes":["Uint8Array","&"]}',
    '{"$bytes":["Float64Array","AQ=="]}',
    '{"$bytes":["constructor","AQ=="]}',
    '{"$bytes":[["Buffer"],"QQ=="]}',
    '{"$bytes":[["Uint8Array"],"QQ=="]}',
    '{"$bytes":["Buffer",["QQ=="]]}',
    '{"$bytes":["Buffer",{"$bytes":["Buffer","QQ=="]}]}',
    '{"$bytes":["Buffer",5]}',
    '{"$bytes":["Buffer","QQ"]}',
    '{"$bigint":"00"}',
    '{"$bigint":"-0"}',
    '{"$map":[["a",1],["a",2]]}',
    '{"$set":[1,1]}',
    '{"$error":{"type":"Function","properties":{}}}',
    '{"$error":{"type":"__proto__","properties":{}}}',
    '{"$error":5}',
    '{"$error":{"type":"Error","properties":[]}}',
    '{"$error":{"type":"Error","properties":{"$date":null}}}',
    '{"$error":{"type":"Error","properties":{"$map":[]}}}',
    '{"$error":{"type":"Error"}}',
    '{"$error":{"type":"Error","properties":{},"more":1}}',
    '{"$error":[]}',
    '{"$later":1}',
    '{"$constructor":1}',
  ])('does not read %s, which it never wrote', (text) => {
    expect(() => codec.decode(`[${text}]`)).toThrow(Error);
  });

  it('sets no prototype, whatever a row says', () => {
    const row =
      '{"__proto__":{"$set":[1]},"a":{"__proto__":{"$date":null},"b":{"$$__proto__":{"admin":true}}}}';
    const value = codec.decode(row) as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toStrictEqual(new Set([1]));
    expect('admin' in Object.prototype).toBe(false);
    expect((value['a'] as Record<string, unknown>)['admin']).toBeUndefined();
  });
});

function hasMinusZero(value: unknown): boolean {
  if (Object.is(value, -0)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasMinusZero);
}
