import { writeChanges } from './changes.js';
import assert from 'node:assert/strict';
import { NOW, REMOVAL, row, shown, type ContractCase } from './contract-case.js';

/** Keys, namespaces and values come back as they were, to the character. */
export function exactTexts({ storage, put, all, it }: ContractCase): void {
  for (const keys of [
    ['a', 'A', 'á', 'à'],
    ['a', 'a ', ' a', 'a\t'],
    ['é', 'e\u0301'],
    ['а', 'a'],
    ['😀', '😁', '\u{10FFFF}', '\uFFFD'],
    ['ß', 'ss', 'SS'],
    ["'", '"', '\\', '%', '_', '?', ';--', '`', '$1', ':a'],
    ['x'.repeat(512), 'x'.repeat(511), '😀'.repeat(512), `${'😀'.repeat(511)}😁`],
    ['null', 'NULL', 'undefined', 'true', '{}', '[]'],
    ['\r\n', '\n', '\r', '\u2028', '\u00a0', '\u200b', '\ufeff'],
    ['İ', 'i', 'I', 'ı', 'ﬁ', 'fi', '①', '1'],
    ['1', '01', '1.0', '1e0', '-0', '0'],
  ])
    it(`tells ${shown(keys)} apart by exact characters`, async () => {
      await put(...keys.map((key) => row(key)));
      assert.equal(await storage.count('n', NOW), keys.length);
      for (const key of keys) assert.deepEqual(await storage.read('n', [key]), [row(key)]);
      assert.deepEqual((await all('n', 1)).map((entry) => entry.key).toSorted(), keys.toSorted());
      await writeChanges(storage, [{ namespace: 'n', deletes: keys.slice(1) }], NOW);
      assert.deepEqual(await all(), [row(keys[0] as string)]);
    });

  for (const value of [
    '',
    ' ',
    'null',
    '0',
    '{"a":"\\u0000"}',
    '😀'.repeat(1000),
    '"\u2028"',
    "it's",
    'x'.repeat(1_000_000),
    JSON.stringify({ quotes: '"\\\''.repeat(100_000) }),
    '😀'.repeat(500_000),
  ])
    it(`brings back ${shown(value)} byte for byte`, async () => {
      await put(row('a', value));
      assert.deepEqual(await storage.read('n', ['a']), [row('a', value)]);
    });

  it('keeps namespaces of 128 characters apart by exact characters', async () => {
    const namespaces = ['😀'.repeat(128), `${'😀'.repeat(127)}😁`, 'É', 'é', 'é ', 'e\u0301'];
    await writeChanges(
      storage,
      namespaces.map((namespace) => ({ namespace, puts: [row('😀'.repeat(512), namespace)] })),
      NOW,
    );
    for (const namespace of namespaces)
      assert.deepEqual(await all(namespace), [row('😀'.repeat(512), namespace)]);
    await storage.clear('é', REMOVAL);
    assert.equal(await storage.count('é ', NOW), 1);
    assert.equal(await storage.count('É', NOW), 1);
  });

  it('holds a key with NUL as it is, or refuses it as data', async () => {
    const key = 'a\0b';
    const error: unknown = await put(row(key), row('a')).catch((reason: unknown) => reason);
    if (error === undefined) {
      assert.deepEqual(await storage.read('n', [key]), [row(key)]);
      assert.equal(await storage.count('n', NOW), 2);
    } else {
      assert.equal(storage.classify(error), 'permanent');
      assert.deepEqual(await all(), []);
    }
  });
}
