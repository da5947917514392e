import { describe, expect, it } from 'vitest';
import { EVERY_KEY, wholeKey } from '../../../src/core/keys/key-range.js';
import { noteOfRemoval, noteOfRows, readNote } from '../../../src/core/sharing/note.js';

describe('the note of a commit', () => {
  it('names the keys of each namespace, whatever they are called', () => {
    const rows = [
      { namespace: 'n', key: 'a"\\' },
      { namespace: '__proto__', key: '' },
      { namespace: 'n', key: '😀' },
    ];
    const note = readNote(noteOfRows(5, rows));
    expect(note?.stamp).toBe(5);
    expect([...(note?.changes ?? [])]).toEqual([
      ['n', ['a"\\', '😀']],
      ['__proto__', ['']],
    ]);
  });

  it('names whole namespaces where the keys would be too long a text', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({
      namespace: i < 9900 ? 'n' : 'm',
      key: `${i} ${'x'.repeat(500)}`,
    }));
    const text = noteOfRows(5, rows);
    expect(text.length).toBeLessThan(100);
    expect([...(readNote(text)?.changes ?? [])]).toEqual([
      ['n', EVERY_KEY],
      ['m', EVERY_KEY],
    ]);
  });

  it('says of a removal which range it was of', () => {
    const changesOf = (range: typeof EVERY_KEY) => readNote(noteOfRemoval(5, 'n', range))?.changes.get('n');
    expect(changesOf(EVERY_KEY)).toBe(EVERY_KEY);
    expect(changesOf({ prefix: 'a', isWhole: false })).toEqual({ prefix: 'a', isWhole: false });
    expect(changesOf(wholeKey('a'))).toEqual(['a']);
  });

  it.each([
    'no JSON',
    'null',
    '1',
    '{"v":2,"s":1,"c":{}}',
    '{"v":1,"s":"1","c":{}}',
    '{"v":1,"s":1}',
    '{"v":1,"s":1,"c":{"n":[1]}}',
    '{"v":1,"s":1,"c":{"n":{"tag":"x"}}}',
  ])('is not read where it is of another format: %s', (text) => {
    expect(readNote(text)).toBe(undefined);
  });
});
