import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** A row of a table: the promise, or nothing where it is that of the row above, a file, and a test in it. */
const ROW = /^\| (.*?) *\| `([^`]+)` *\| `(.+)` *\|$/;
const PAGE = 'test/promises.md';

interface Row {
  readonly promise: string;
  readonly file: string;
  readonly test: string;
}

/** The rows of the page's tables. Throws where one is not understood: it would be checked by nobody. */
function rowsOf(page: string): Row[] {
  const lines = page.split('\n').filter((line) => line.startsWith('|') && !/^\| (?:promise|-)/.test(line));
  return lines.map((line) => {
    const [, promise = '', file = '', test = ''] = ROW.exec(line) ?? [];
    if (file === '') throw new Error(`No row of the table: ${line}`);
    return { promise, file, test };
  });
}

/** Whether a test or a group of tests has that name. */
function hasTest(source: string, name: string): boolean {
  const plain = source.replaceAll(/\\(['"`])/g, '$1');
  return ["'", '"', '`'].some((quote) => {
    const parts = plain.split(`${quote}${name}${quote}`).slice(0, -1);
    return parts.some((before) => before.trimEnd().endsWith('('));
  });
}

describe('the table of promises', () => {
  const rows = rowsOf(readFileSync(PAGE, 'utf8'));

  it.each(rows)('has a test that is there: $test', ({ file, test }) => {
    // Vitest runs the specs; the contract of storages is run by one of them.
    expect(file).toMatch(/^test\/.*\.spec\.ts$|^src\/testing\/contract\//);
    expect(existsSync(file)).toBe(true);
    expect(hasTest(readFileSync(file, 'utf8'), test)).toBe(true);
  });

  it('is read to its end', () => {
    expect(rows.length).toBeGreaterThan(70);
    expect(rows[0]?.promise).not.toBe('');
    expect(() => rowsOf('| A promise. | no test |')).toThrow('No row');
  });

  it('would be found out where a test is renamed or only mentioned', () => {
    const source = "it('one thing', () => {});\n// 'another thing'\n";
    expect(hasTest(source, 'one thing')).toBe(true);
    expect(hasTest(source, 'another thing')).toBe(false);
    expect(hasTest(source, 'one')).toBe(false);
  });
});
