import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { laidOut } from '../../../src/inspector/entries/json-layout.js';

describe('JSON that is laid out', () => {
  it('is what JSON.stringify gives, of any value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(laidOut(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });

  it('keeps each token as it is', () => {
    const json = '{"a":1.0e5,"a":12345678901234567890123,"b":"\\u0041\\"[{,:}]","c":-0, "d" : [ ] }';
    expect(laidOut(json)?.replaceAll(/\n */g, '')).toBe(
      '{"a": 1.0e5,"a": 12345678901234567890123,"b": "\\u0041\\"[{,:}]","c": -0,"d": []}',
    );
  });

  it.each(['', 'no JSON', '{', '[1,]', '{"a":1'])('is none where the text is none: %s', (text) => {
    expect(laidOut(text)).toBeUndefined();
  });
});
