import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClaimedJournal, RescuedWrite } from '../../src/core/rescue/rescue-journal.js';
import { RescueFile } from '../../src/storage/rescue-file.js';
import { errorWith } from '../support/definitions.js';
import { journalText } from '../support/journal-text.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let folders = 0;

const put = (key: string, value = '1', more: Partial<RescuedWrite> = {}): RescuedWrite =>
  ({ op: 'put', namespace: 'n', key, value, expiresAt: null, ...more }) as RescuedWrite;
const remove = (key: string, more: Partial<RescuedWrite> = {}): RescuedWrite =>
  ({ op: 'delete', namespace: 'n', key, ...more }) as RescuedWrite;

const OURS = { identity: 'database', prefixes: [7] };
const noForeign = (place: string): void => {
  throw new Error(`${place} is foreign`);
};

describe('the files of a rescue journal', () => {
  let path: string;

  beforeEach(() => {
    path = join(folder, `${(folders += 1)}`, 'rescue.ndjson');
    mkdirSync(dirname(path));
  });

  /** What follows the journal's own name in the names of its files. */
  const endings = (): string[] =>
    readdirSync(dirname(path))
      .map((name) => name.slice(basename(path).length))
      .sort();

  const onlyFile = (): string => {
    const [ending, ...others] = endings();
    expect(others).toEqual([]);
    return `${path}${ending}`;
  };

  const claim = (
    identity: string | undefined = OURS.identity,
    foreign = noForeign,
  ): Promise<readonly ClaimedJournal[]> => new RescueFile(path).claim(identity, foreign);

  const LEFT = expect.stringMatching(/^\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-[\da-f-]{36}$/) as string;
  const CLAIMED = expect.stringMatching(/^\.claimed-[\da-f-]{36}$/) as string;

  it('have names of their own, mode 0600, and say whose they are on their first line', () => {
    const journal = new RescueFile(path);
    journal.appendSync([put('a')], OURS);
    journal.appendSync([put('b')], OURS);
    new RescueFile(path).appendSync([put('c')], { identity: undefined, prefixes: [] });
    const names = endings();
    expect(names).toEqual([LEFT, LEFT, LEFT]);
    expect(new Set(names).size).toBe(3);
    const headers = names.map((ending) => {
      expect(statSync(`${path}${ending}`).mode & 0o777).toBe(0o600);
      const [line = ''] = readFileSync(`${path}${ending}`, 'utf8').split('\n', 1);
      return JSON.parse(line) as Record<string, unknown>;
    });
    const ours = { journal: 'nestjs-durable-cache', version: 2, database: 'database', prefixes: [7] };
    const sorted = headers.toSorted(
      (one, other) =>
        Number(one['database'] === null) - Number(other['database'] === null) ||
        Number(one['part']) - Number(other['part']),
    );
    expect(sorted).toMatchObject([
      { ...ours, part: 1 },
      { ...ours, part: 2 },
      { ...ours, database: null, prefixes: [], part: 1 },
    ]);
    expect(sorted[0]?.['process']).toBe(sorted[1]?.['process']);
    expect(sorted[0]?.['process']).not.toBe(sorted[2]?.['process']);
  });

  it('bring back each write as it was, and are gone when they are removed', async () => {
    const writes: RescuedWrite[] = [
      { op: 'clear', namespace: 'n' },
      { op: 'clear range', namespace: 'm', range: { prefix: 'a', isWhole: false } },
      put('blind', '"ü\u2028\\n"', { expiresAt: 5 }),
      put('on a row', '1', { base: -5, since: 1 }),
      remove('on none', { base: null }),
      remove('from', { atom: 0 }),
      put('to', '1', { atom: 0, base: null }),
    ];
    new RescueFile(path).appendSync(writes, { identity: 'database', prefixes: [7, 9] });
    const [claimed, ...others] = await claim();
    expect(others).toEqual([]);
    expect(claimed).toMatchObject({
      identity: 'database',
      prefixes: [7, 9],
      damaged: false,
      isUnstamped: false,
    });
    expect(claimed?.writes).toEqual(writes);
    expect(claimed?.describe()).toBe(onlyFile());
    await claimed?.remove();
    expect(endings()).toEqual([]);
    // Gone already: fine.
    await claimed?.remove();
    expect(await claim()).toEqual([]);
  });

  it('of one process are put in the order of their parts, whatever their names say', async () => {
    const journal = new RescueFile(path);
    const first: RescuedWrite[] = [put('a', '1'), put('b', '1')];
    const second: RescuedWrite[] = [{ op: 'clear', namespace: 'n' }, put('a', '2'), remove('b')];
    journal.appendSync(first, OURS);
    renameSync(onlyFile(), `${path}.9999-01-01T00-00-00.000Z-00000000-0000-0000-0000-000000000000`);
    journal.appendSync(second, { ...OURS, prefixes: [7, 8] });
    const [claimed, ...others] = await claim();
    expect(others).toEqual([]);
    expect(claimed?.writes).toEqual([...first, ...second]);
    expect(claimed?.prefixes).toEqual([7, 8]);
    await claimed?.remove();
    expect(endings()).toEqual([]);
  });

  it('of one process keep atoms apart that have one number in two parts', async () => {
    const journal = new RescueFile(path);
    journal.appendSync(
      [remove('a', { atom: 4 }), put('b', '1', { atom: 4 }), remove('x', { atom: 0 })],
      OURS,
    );
    journal.appendSync([remove('c', { atom: 4 }), put('d', '1', { atom: 4 })], OURS);
    const [claimed] = await claim();
    const atoms = claimed?.writes.map((write) => ('key' in write ? write.atom : undefined));
    expect(atoms).toEqual([0, 0, 1, 2, 2]);
  });

  it('of two processes are claimed apart', async () => {
    new RescueFile(path).appendSync([put('a', '1')], OURS);
    new RescueFile(path).appendSync([put('a', '2')], { ...OURS, prefixes: [8] });
    const claimed = await claim();
    expect(claimed.map(({ writes }) => writes)).toEqual(
      expect.arrayContaining([[put('a', '1')], [put('a', '2')]]),
    );
    expect(claimed).toHaveLength(2);
    await claimed[0]?.remove();
    expect(endings()).toEqual([CLAIMED]);
  });

  it('of another database stay where they are, and are reported', async () => {
    new RescueFile(path).appendSync([put('a')], { identity: 'another', prefixes: [1] });
    const theirs = onlyFile();
    new RescueFile(path).appendSync([put('b')], OURS);
    const foreign: string[] = [];
    const claimed = await claim(OURS.identity, (place) => foreign.push(place));
    expect(claimed.map(({ writes }) => writes)).toEqual([[put('b')]]);
    await claimed[0]?.remove();
    expect(foreign).toEqual([theirs]);
    expect(onlyFile()).toBe(theirs);
    // A storage without an identity is another one, too.
    expect(await claim(undefined, (place) => foreign.push(place))).toEqual([]);
    expect(foreign).toEqual([theirs, theirs]);
    const [found] = await claim('another');
    expect(found?.writes).toEqual([put('a')]);
  });

  it('that name no database belong to whoever finds them', async () => {
    new RescueFile(path).appendSync([put('a')], { identity: undefined, prefixes: [7] });
    const [claimed] = await claim('any');
    expect(claimed).toMatchObject({ identity: undefined, prefixes: [7], isUnstamped: false });
    expect(claimed?.writes).toEqual([put('a')]);
  });

  it('that a crashed start has claimed are claimed again, and are not there any more for that one', async () => {
    const journal = new RescueFile(path);
    journal.appendSync([put('a', '1')], OURS);
    const [crashed] = await claim();
    journal.appendSync([put('a', '2'), put('b', '2')], OURS);
    const [again, ...others] = await claim();
    expect(others).toEqual([]);
    expect(again?.writes).toEqual([put('a', '1'), put('a', '2'), put('b', '2')]);
    expect(endings()).toEqual([CLAIMED, CLAIMED]);
    // It was only slow.
    expect([crashed?.isHeld(), crashed?.isWithOthers()]).toEqual([false, true]);
    expect([again?.isHeld(), again?.isWithOthers()]).toEqual([true, false]);
    expect(await crashed?.remove()).toBe(false);
    expect(await crashed?.setAside()).toBeUndefined();
    expect(endings()).toEqual([CLAIMED, CLAIMED]);
    expect(await again?.remove()).toBe(true);
    expect(endings()).toEqual([]);
    expect([crashed?.isHeld(), crashed?.isWithOthers()]).toEqual([false, false]);
  });

  it('that two starts see at the same time go to the one that claims them last', async () => {
    new RescueFile(path).appendSync([], { identity: 'another', prefixes: [] });
    renameSync(onlyFile(), `${path}.0000-01-01T00-00-00.000Z-00000000-0000-0000-0000-000000000000`);
    for (const key of ['a', 'b', 'c']) new RescueFile(path).appendSync([put(key)], OURS);
    let quicker: Promise<readonly ClaimedJournal[]> | undefined;
    // The slower one has looked at all files when it tells of the first.
    const slower = await claim(OURS.identity, () => {
      quicker ??= claim(OURS.identity, () => undefined);
    });
    const keys = slower.flatMap(({ writes }) => writes.map((write) => 'key' in write && write.key));
    expect(new Set(keys)).toEqual(new Set(['a', 'b', 'c']));
    const lost = (await quicker) ?? [];
    expect(lost.map((journal) => [journal.isHeld(), journal.isWithOthers()])).toEqual(
      lost.map(() => [false, true]),
    );
    expect(lost).toHaveLength(3);
  });

  it('are claimed beside a link that leads nowhere', async () => {
    symlinkSync(`${path}.nowhere`, path);
    new RescueFile(path).appendSync([put('a')], OURS);
    expect(await claim()).toHaveLength(1);
  });

  it('are claimed without what else begins with their name', async () => {
    for (const ending of [
      '.trial-2026-01-01',
      '.5f0c.tmp',
      '.damaged-2026-01-01',
      '.old',
      '2',
      '.claimed-by-me',
    ])
      writeFileSync(`${path}${ending}`, '');
    await new RescueFile(path).keep('refused', [put('a')]);
    await new RescueFile(path).keep('conflicts', [put('a')]);
    expect(await claim()).toEqual([]);
    expect(endings()).toHaveLength(8);
  });

  it('are looked for by an earlier name, too', async () => {
    const earlier = `${path}.earlier`;
    new RescueFile(earlier).appendSync([put('a')], OURS);
    const journal = new RescueFile(path, false, earlier);
    journal.appendSync([put('b')], OURS);
    const claimed = await journal.claim(OURS.identity, noForeign);
    expect(claimed.map(({ writes }) => writes)).toEqual([[put('a')], [put('b')]]);
    expect(endings()).toEqual([CLAIMED, CLAIMED]);
  });

  describe.each([
    [
      'cut off in the middle of a line',
      (text: string) => text.slice(0, text.indexOf('"key":"b"') + 5),
      ['a'],
    ],
    [
      'without its end',
      (text: string) => text.slice(0, text.lastIndexOf('{"crc"')),
      ['a', 'b', 'from', 'to'],
    ],
    ['with a changed byte', (text: string) => text.replace('"key":"b"', '"key":"B"'), ['a']],
    ['without a line', (text: string) => text.replace(/.*"key":"b".*\n/, ''), ['a', 'from', 'to']],
    ['cut off within an atom', (text: string) => text.slice(0, text.indexOf('"key":"to"')), ['a', 'b']],
    ['with nothing but its header', (text: string) => text.slice(0, text.indexOf('\n') + 1), []],
  ])('that are damaged (%s)', (_how, damage, keys) => {
    beforeEach(() => {
      const writes = [put('a'), put('b'), remove('from', { atom: 0 }), put('to', '1', { atom: 0 })];
      new RescueFile(path).appendSync(writes, OURS);
      const file = onlyFile();
      writeFileSync(file, damage(readFileSync(file, 'utf8')));
    });

    it('give what can be read, and whole atoms only', async () => {
      const [claimed] = await claim();
      expect(claimed?.damaged).toBe(true);
      expect(claimed?.writes.map((write) => 'key' in write && write.key)).toEqual(keys);
    });

    it('are set aside where nothing replays them', async () => {
      const [claimed] = await claim();
      const content = readFileSync(onlyFile(), 'utf8');
      const place = await claimed?.setAside();
      expect(onlyFile()).toBe(place);
      expect(place).toMatch(/\.damaged-\d{4}-/);
      expect(readFileSync(onlyFile(), 'utf8')).toBe(content);
      expect(await claim()).toEqual([]);
    });
  });

  it('of one process are all set aside where one is damaged, each under a name of its own', async () => {
    const journal = new RescueFile(path);
    journal.appendSync([put('a'), put('b')], OURS);
    const first = onlyFile();
    writeFileSync(first, readFileSync(first, 'utf8').replace('"key":"b"', '"key":"B"'));
    journal.appendSync([put('c')], OURS);
    const [claimed, ...others] = await claim();
    expect(others).toEqual([]);
    expect(claimed?.writes).toEqual([put('a'), put('c')]);
    const places = (await claimed?.setAside())?.split(', ');
    expect(places?.map((place) => place.slice(path.length)).toSorted()).toEqual(endings());
    expect(new Set(places).size).toBe(2);
  });

  it.each([
    ['another program’s', '{"user":1}\n{"user":2}\n', 'move it away'],
    ['without an end of a line', 'x'.repeat(200_000), 'move it away'],
    ['empty', '', 'move it away'],
    [
      'of ours with a damaged first line',
      journalText({ journal: 'nestjs-durable-cache', version: 2 }).slice(0, -10),
      'move it away',
    ],
    ['another journal’s', journalText({ journal: 'other', version: 2 }), 'move it away'],
    [
      'of a newer version',
      journalText({ journal: 'nestjs-durable-cache', version: 3 }, { put: 1 }),
      'newer release',
    ],
  ])('that are not understood (%s) fail the claim, and all stay', async (_what, content, remedy) => {
    new RescueFile(path).appendSync([put('a')], OURS);
    const ours = endings();
    // By name it is the last to be looked at.
    writeFileSync(`${path}.more-2026`, content);
    const before = endings();
    const refused = await claim().catch((error: unknown) => error);
    expect(refused).toEqual(errorWith('JOURNAL_NOT_UNDERSTOOD'));
    expect((refused as Error).message).toContain(`${path}.more-2026`);
    expect((refused as Error).message).toContain(remedy);
    expect(endings()).toEqual(before);
    expect(readFileSync(`${path}.more-2026`, 'utf8')).toBe(content);
    unlinkSync(`${path}.more-2026`);
    expect(endings()).toEqual(ours);
    expect(await claim()).toHaveLength(1);
  });

  it('of the version before are claimed by whoever finds them, each on its own, and marked', async () => {
    const text = (value: string): string =>
      journalText(
        { journal: 'nestjs-durable-cache', version: 1 },
        { ...put('a', value), at: 5, underway: null },
        { ...remove('b'), at: 5 },
        { end: 2 },
      );
    writeFileSync(path, text('1'));
    writeFileSync(`${path}.more-2026-01-01T00-00-00.000Z-1`, text('2'));
    const claimed = await claim('any');
    for (const one of claimed) {
      expect(one).toMatchObject({ isUnstamped: true, identity: undefined, prefixes: [], damaged: false });
    }
    expect(claimed.map(({ writes }) => writes)).toEqual([
      [put('a', '1'), remove('b')],
      [put('a', '2'), remove('b')],
    ]);
    expect(endings()).toEqual([CLAIMED, CLAIMED]);
  });

  it('that hold what a replay could not write can be read, and name the database', async () => {
    const journal = new RescueFile(path);
    await journal.claim('database', noForeign);
    const places = [await journal.keep('conflicts', [put('a')]), await journal.keep('conflicts', [put('b')])];
    const [one = '', other = ''] = places;
    expect(one).not.toBe(other);
    expect(one).toMatch(/\.conflicts-\d{4}-/);
    expect(statSync(one).mode & 0o777).toBe(0o600);
    // Where a person gives it back its name, it is the same journal as before.
    renameSync(other, path);
    const [claimed] = await claim();
    expect(claimed?.writes).toEqual([put('b')]);
    expect(await claim('another', () => undefined)).toEqual([]);
  });

  it('leave nothing where they can’t be written', () => {
    const cycle = put('a') as RescuedWrite & { self?: unknown };
    cycle.self = cycle;
    expect(() => new RescueFile(path).appendSync([cycle], OURS)).toThrow(/circular/i);
    expect(endings()).toEqual([]);
  });

  it('may be in a folder that is yet to be made', async () => {
    const journal = new RescueFile(join(dirname(path), 'new', 'rescue.ndjson'));
    expect(await journal.claim('database', noForeign)).toEqual([]);
    expect(journal.obstacle()).toBeUndefined();
    expect(endings()).toEqual([]);
    journal.appendSync([put('a')], OURS);
    expect(await journal.claim('database', noForeign)).toHaveLength(1);
  });

  it('can’t be read where a folder has the name of one: the start fails with the remedy', async () => {
    mkdirSync(path);
    await expect(claim()).rejects.toThrow(errorWith('STORAGE_OPEN_FAILED'));
    expect(new RescueFile(path).obstacle()).toMatchObject({ code: 'EISDIR' });
  });
});
