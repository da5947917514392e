import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { widthOf } from '../../src/cli/printable.js';
import { Progress } from '../../src/cli/progress.js';

/** As long as a bar may wait before it moves. */
const REDRAWN_MS = 1000;

/** A terminal of so many columns that keeps what is drawn on it. */
class Terminal {
  readonly isTTY = true;
  readonly drawn: string[] = [];

  constructor(public columns: number) {}

  write(text: string): void {
    this.drawn.push(text);
  }

  /** The last text that was drawn, without what moves the cursor and erases. */
  get line(): string {
    return this.drawn.findLast((text) => !text.startsWith('\u001B')) ?? '';
  }
}

describe('the progress of a command', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('is a bar on a terminal, which is taken away at the end', () => {
    const terminal = new Terminal(80);
    const progress = new Progress(terminal);
    const listener = progress.listener('copying');
    listener('n', 0, 3000);
    expect(terminal.line).toBe('copying n [------------------------------] 0 % (0 of 3000 rows)');
    listener('n', 1500, 3000);
    vi.advanceTimersByTime(REDRAWN_MS);
    expect(terminal.line).toBe('copying n [###############---------------] 50 % (1500 of 3000 rows)');
    progress.clear();
    expect(terminal.drawn.at(-1)).toBe('\u001B[2K');
    const { length } = terminal.drawn;
    progress.clear();
    expect(terminal.drawn).toHaveLength(length);
    // What is killed in between leaves the terminal as it was: no mode of it is changed.
    expect(terminal.drawn.join('')).not.toContain('\u001B[?');
    // Nothing keeps the process alive.
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is a bar of its own for each namespace and pass', () => {
    const terminal = new Terminal(80);
    const progress = new Progress(terminal);
    progress.listener('copying')('a', 5, 10);
    progress.listener('copying')('b', 0, 4);
    expect(terminal.line).toMatch(/^copying b .* 0 % \(0 of 4 rows\)$/);
    progress.listener('checking')('b', 1, 4);
    expect(terminal.line).toMatch(/^checking b .* 25 % \(1 of 4 rows\)$/);
    progress.clear();
  });

  it.each([1, 2, 10, 20, 30, 40, 50, 60, 79, 80, 81, 200])('fits a terminal of %d columns', (columns) => {
    for (const name of [
      'n',
      'a namespace of more than thirty characters',
      '名前'.repeat(64),
      '😀'.repeat(128),
    ]) {
      const terminal = new Terminal(columns);
      const progress = new Progress(terminal);
      const listener = progress.listener('checking');
      for (const done of [0, 1, 49_999, 100_000]) {
        listener(name, done, 100_000);
        vi.advanceTimersByTime(REDRAWN_MS);
        expect(widthOf(terminal.line)).toBeLessThan(Math.max(2, columns));
      }
      progress.clear();
    }
  });

  it('cuts a long name before it leaves the bar out', () => {
    const terminal = new Terminal(80);
    const progress = new Progress(terminal);
    progress.listener('copying')('a namespace of many words '.repeat(4), 50, 100);
    expect(terminal.line).toMatch(/^copying a namespace.*… \[#+-+\] 50 % \(50 of 100 rows\)$/);
    progress.clear();
  });

  it('erases what a terminal that became narrower shows on several lines', () => {
    const terminal = new Terminal(80);
    const progress = new Progress(terminal);
    const listener = progress.listener('copying');
    listener('n', 1500, 3000);
    expect(terminal.line).toHaveLength(67);
    terminal.columns = 30;
    listener('n', 1600, 3000);
    vi.advanceTimersByTime(REDRAWN_MS);
    expect(terminal.drawn).toContain('\u001B[2A\r\u001B[J');
    expect(terminal.line.length).toBeLessThan(30);
    progress.clear();
  });

  it('shows the control characters of a name instead of sending them', () => {
    for (const terminal of [new Terminal(120), Object.assign(new Terminal(120), { isTTY: false })]) {
      const progress = new Progress(terminal);
      const listener = progress.listener('copying');
      listener('a\u001B[2J\r\n\u202Eb', 0, 100_000);
      listener('a\u001B[2J\r\n\u202Eb', 40_000, 100_000);
      expect(terminal.line).toContain('a\\u001b[2J\\u000d\\u000a\\u202eb');
      expect(terminal.line).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
      progress.clear();
    }
  });

  it('is a plain line now and then where there is no terminal, and none for small namespaces', () => {
    let shown = '';
    const listener = new Progress({ write: (text) => (shown += text) }).listener('copying');
    for (let done = 0; done <= 30_000; done += 1500) listener('big', done, 30_000);
    listener('small', 0, 10);
    listener('small', 10, 10);
    expect(shown).toBe('copying big: 21000 of 30000 rows\n');
  });
});
