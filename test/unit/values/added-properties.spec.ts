import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCacheError, json, rich } from '../../../src/index.js';

/** A value around what an application has added properties to. */
type Around = (node: object) => unknown;

const AROUND: readonly Around[] = [
  (node) => node,
  (node) => [1, node],
  (node) => ({ of: { node } }),
  (node) => [[{ node }], { zero: 1 }],
];

const arrays = (): fc.Arbitrary<unknown[]> => fc.array(fc.jsonValue(), { maxLength: 12 });
const objects = (): fc.Arbitrary<object> =>
  fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
const around = (): fc.Arbitrary<Around> => fc.constantFrom(...AROUND);

/** As assigning does, for every name: `__proto__` is data here. */
function add(node: object, name: string, value: unknown, enumerable = true): void {
  Object.defineProperty(node, name, { value, enumerable, writable: true, configurable: true });
}

describe.each([
  ['json()', json()],
  ['rich()', rich()],
])('%s', (_name, codec) => {
  function refusalOf(value: unknown): string | undefined {
    try {
      codec.encode(value);
      return undefined;
    } catch (error) {
      if (isCacheError(error, 'INVALID_VALUE')) return error.message;
      throw error;
    }
  }

  it('refuses what a regular expression has matched, and takes its texts', () => {
    const match = 'key=value'.match(/(?<name>\w+)=(\w+)/) as RegExpMatchArray;
    expect(refusalOf({ match })).toMatch(/^value\.match has properties that would be lost/);
    expect(codec.decode(codec.encode([...match]))).toEqual(['key=value', 'key', 'value']);
    expect(codec.decode(codec.encode({ ...match.groups }))).toEqual({ name: 'key' });
  });

  it('refuses what has a toJSON of its own, shown or not', () => {
    fc.assert(
      fc.property(
        fc.oneof(arrays(), objects()),
        fc.jsonValue(),
        fc.boolean(),
        around(),
        (node, other, shown, within) => {
          add(node, 'toJSON', () => other, shown);
          expect(refusalOf(within(node))).toMatch(/ has a toJSON/);
        },
      ),
    );
  });

  it('takes data that is called toJSON', () => {
    const value = { toJSON: 'yes', list: [{ toJSON: null }] };
    expect(codec.decode(codec.encode(value))).toEqual(value);
  });

  it('leaves out what is not enumerable and has no part in JSON', () => {
    const array = [1];
    add(array, 'raw', [2], false);
    expect(codec.decode(codec.encode({ array }))).toEqual({ array: [1] });
  });
});

const NAMES = fc.oneof(fc.string(), fc.constantFrom('total', '__proto__', '-0', '1.5', '01'));

function isName(name: string): boolean {
  return !['length', 'index', 'toJSON'].includes(name) && !/^(0|[1-9]\d*)$/.test(name);
}

it('json() leaves out what an array has by name, as it leaves out symbols', () => {
  fc.assert(
    fc.property(arrays(), NAMES.filter(isName), fc.jsonValue(), around(), (array, name, given, within) => {
      const text = json().encode(within(array));
      add(array, name, given);
      expect(json().encode(within(array))).toBe(text);
    }),
  );
});

it('rich() refuses an array that has properties by name, wherever it is, and no other', () => {
  fc.assert(
    fc.property(arrays(), NAMES.filter(isName), fc.jsonValue(), around(), (array, name, given, within) => {
      expect(() => rich().encode(within(array))).not.toThrow();
      add(array, name, given);
      expect(() => rich().encode(within(array))).toThrow(
        / has properties that would be lost: store them beside it/,
      );
    }),
  );
});
