import { cutTo, printable, widthOf } from './printable.js';
import type { CopyListener } from './storage-copy.js';

const BAR_WIDTH = 30;
/** A shorter bar says nothing. */
const LEAST_BAR_WIDTH = 5;
/** The name of a namespace is cut before the bar is left out. */
const LEAST_NAME_WIDTH = 12;
const DEFAULT_COLUMNS = 80;
/** Between two lines where there is no terminal to draw on. */
const ROWS_PER_LINE = 20_000;

/** The part of `process.stderr` that progress is shown on. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  /** The width of the terminal, which may change at any time. */
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows how far a copy is: a bar that moves on a terminal, a line now and then elsewhere. */
export class CopyProgress {
  /** How wide what is drawn is; 0 where nothing is. */
  #drawn = 0;
  #percent = -1;
  #told = 0;

  constructor(private readonly stream: ProgressStream) {}

  /** What to call for the parts of one pass, such as `copying`. */
  listener(pass: string): CopyListener {
    return (namespace, done, total) => {
      const name = printable(namespace);
      if (this.stream.isTTY === true) this.#draw(pass, name, done, total);
      else this.#tell(pass, name, done, total);
    };
  }

  /** Takes the bar away, so that something else can be printed. */
  clear(): void {
    if (this.#drawn > 0) this.stream.write(this.#erasing());
    this.#drawn = 0;
    this.#percent = -1;
  }

  #draw(pass: string, name: string, done: number, total: number): void {
    const share = total === 0 ? 1 : done / total;
    const percent = Math.floor(share * 100);
    if (done > 0 && percent === this.#percent) return;
    this.#percent = percent;
    // The last column stays free: a terminal may begin a new line when it is filled.
    const columns = Math.max(1, this.#columns - 1);
    const line = fitted(pass, name, share, `${percent} % (${done} of ${total} rows)`, columns);
    this.stream.write(`${this.#erasing()}${line}`);
    this.#drawn = widthOf(line);
  }

  /** A terminal that has become narrower since shows what was drawn on several lines. */
  #erasing(): string {
    const lines = Math.ceil(this.#drawn / this.#columns);
    const up = lines > 1 ? `\u001B[${lines - 1}A` : '';
    return `${up}\r\u001B[J`;
  }

  get #columns(): number {
    const { columns } = this.stream;
    return columns === undefined || columns < 1 ? DEFAULT_COLUMNS : columns;
  }

  #tell(pass: string, name: string, done: number, total: number): void {
    if (done === 0) this.#told = 0;
    const lines = Math.floor(done / ROWS_PER_LINE);
    if (done === total || lines === this.#told) return;
    this.#told = lines;
    this.stream.write(`${pass} ${name}: ${done} of ${total} rows\n`);
  }
}

/** One line of at most so many columns: the bar becomes shorter first, then the name, and then the bar is left out. */
function fitted(pass: string, name: string, share: number, figures: string, columns: number): string {
  // Two brackets and three blanks.
  const room = columns - pass.length - figures.length - 5;
  const nameWidth = Math.min(widthOf(name), Math.max(LEAST_NAME_WIDTH, room - BAR_WIDTH));
  const barWidth = Math.min(BAR_WIDTH, room - nameWidth);
  if (barWidth < LEAST_BAR_WIDTH) return cutTo(`${figures} ${pass} ${name}`, columns);
  const bar = '#'.repeat(Math.floor(share * barWidth)).padEnd(barWidth, '-');
  return `${pass} ${cutTo(name, nameWidth)} [${bar}] ${figures}`;
}
