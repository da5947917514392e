import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { laidOut } from '../../src/core/values/json-layout.js';

describe('JSON that is laid out', () => {
  it('is what JSON.stringify gives, of any value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(laidOut(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });

  it.each([
    '{"a":[1,{"b":"x, {y}: [\\"z\\"]"},[],{}],"c":null,"d":-1.5,"e":true}',
    '[]',
    '"text"',
    '12',
    '[[[]]]',
    ' { "a" : 1 , "b" : [ ] } ',
  ])('is indented as JSON.stringify does it: %s', (text) => {
    expect(laidOut(text)).toBe(JSON.stringify(JSON.parse(text), undefined, 2));
  });

  it('keeps numbers and repeated names as they are written', () => {
    expect(laidOut('{"n":12345678901234567890,"n":1.0}')).toBe(
      '{\n  "n": 12345678901234567890,\n  "n": 1.0\n}',
    );
  });

  it('keeps each token as it is', () => {
    const json = '{"a":1.0e5,"a":12345678901234567890123,"b":"\\u0041\\"[{,:}]","c":-0, "d" : [ ] }';
    expect(laidOut(json)?.replaceAll(/\n */g, '')).toBe(
      '{"a": 1.0e5,"a": 12345678901234567890123,"b": "\\u0041\\"[{,:}]","c": -0,"d": []}',
    );
  });

  it.each(['', 'no JSON', '{', '[1,]', '{"a":1', '{"a":', '{"a":1} trailing'])(
    'is none where the text is none: %s',
    (text) => {
      expect(laidOut(text)).toBeUndefined();
    },
  );
});
