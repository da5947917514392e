import { describe, expect, it } from 'vitest';
import { prettyJson } from '../../src/cli/pretty-json.js';

describe('JSON for people', () => {
  it.each([
    '{"a":[1,{"b":"x, {y}: [\\"z\\"]"},[],{}],"c":null,"d":-1.5,"e":true}',
    '[]',
    '"text"',
    '12',
    '[[[]]]',
    ' { "a" : 1 , "b" : [ ] } ',
  ])('is indented as JSON.stringify does it: %s', (text) => {
    expect(prettyJson(text)).toBe(JSON.stringify(JSON.parse(text), undefined, 2));
  });

  it('keeps numbers and repeated names as they are written', () => {
    expect(prettyJson('{"n":12345678901234567890,"n":1.0}')).toBe(
      '{\n  "n": 12345678901234567890,\n  "n": 1.0\n}',
    );
  });

  it.each(['', 'no JSON', '{"a":', '{"a":1} trailing'])('leaves alone what is something else: %o', (text) => {
    expect(prettyJson(text)).toBe(text);
  });
});
