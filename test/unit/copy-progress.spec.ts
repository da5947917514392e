import { describe, expect, it } from 'vitest';
import { CopyProgress } from '../../src/cli/copy-progress.js';
import { widthOf } from '../../src/cli/printable.js';

const ERASE = '\r\u001B[J';

/** A terminal of so many columns that keeps what is drawn on it. */
class Terminal {
  readonly isTTY = true;
  readonly drawn: string[] = [];

  constructor(public columns: number) {}

  write(text: string): void {
    this.drawn.push(text);
  }

  /** What the last text draws, without what it erases before. */
  get line(): string {
    return this.drawn.at(-1)?.split(ERASE).at(-1) ?? '';
  }
}

describe('the progress of a copy', () => {
  it('is a bar on a terminal, which is taken away at the end', () => {
    const terminal = new Terminal(80);
    const progress = new CopyProgress(terminal);
    const listener = progress.listener('copying');
    listener('n', 0, 3000);
    listener('n', 1500, 3000);
    expect(terminal.line).toBe('copying n [###############---------------] 50 % (1500 of 3000 rows)');
    progress.clear();
    expect(terminal.drawn.at(-1)).toBe(ERASE);
  });

  it.each([1, 2, 10, 20, 30, 40, 50, 60, 79, 80, 81, 200])('fits a terminal of %d columns', (columns) => {
    for (const name of [
      'n',
      'a namespace of more than thirty characters',
      '名前'.repeat(64),
      '😀'.repeat(128),
    ]) {
      const terminal = new Terminal(columns);
      const listener = new CopyProgress(terminal).listener('checking');
      for (const done of [0, 1, 49_999, 100_000]) {
        listener(name, done, 100_000);
        expect(widthOf(terminal.line)).toBeLessThan(Math.max(2, columns));
      }
    }
  });

  it('cuts a long name before it leaves the bar out', () => {
    const terminal = new Terminal(80);
    new CopyProgress(terminal).listener('copying')('a namespace of many words '.repeat(4), 50, 100);
    expect(terminal.line).toMatch(/^copying a namespace.*… \[#+-+\] 50 % \(50 of 100 rows\)$/);
  });

  it('erases what a terminal that became narrower shows on several lines', () => {
    const terminal = new Terminal(80);
    const progress = new CopyProgress(terminal);
    const listener = progress.listener('copying');
    listener('n', 1500, 3000);
    expect(terminal.line).toHaveLength(67);
    terminal.columns = 30;
    listener('n', 1600, 3000);
    expect(terminal.drawn.at(-1)?.startsWith(`\u001B[2A${ERASE}`)).toBe(true);
    expect(terminal.line.length).toBeLessThan(30);
  });

  it('shows the control characters of a name instead of sending them', () => {
    for (const terminal of [new Terminal(120), Object.assign(new Terminal(120), { isTTY: false })]) {
      const listener = new CopyProgress(terminal).listener('copying');
      listener('a\u001B[2J\r\n\u202Eb', 0, 100_000);
      listener('a\u001B[2J\r\n\u202Eb', 40_000, 100_000);
      expect(terminal.drawn.join('').replaceAll(ERASE, '')).toContain('a\\u001b[2J\\u000d\\u000a\\u202eb');
      expect(terminal.drawn.join('')).not.toContain('\u001B[2J');
    }
  });

  it('is a plain line now and then where there is no terminal, and none for small namespaces', () => {
    let shown = '';
    const listener = new CopyProgress({ write: (text) => (shown += text) }).listener('copying');
    for (let done = 0; done <= 30_000; done += 1500) listener('big', done, 30_000);
    listener('small', 0, 10);
    listener('small', 10, 10);
    expect(shown).toBe('copying big: 21000 of 30000 rows\n');
  });
});
