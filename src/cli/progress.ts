import { SingleBar } from 'cli-progress';
import { cutTo, printable, widthOf } from './printable.js';

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

/** Called after each part with how many of the `total` rows of a namespace are done. */
export type ProgressListener = (namespace: string, done: number, total: number) => void;

/** Shows how far a command is: a bar that moves on a terminal, a line now and then elsewhere. */
export class Progress {
  #bar: SingleBar | undefined;
  /** What the bar is of. */
  #subject = '';
  /** How wide what is drawn is; 0 where nothing is. */
  #drawn = 0;
  #told = 0;

  constructor(private readonly stream: ProgressStream) {}

  /** What to call for the parts of one pass, such as `copying`. */
  listener(pass: string): ProgressListener {
    return (namespace, done, total) => {
      const name = printable(namespace);
      if (this.stream.isTTY === true) this.#draw(pass, name, done, total);
      else this.#tell(pass, name, done, total);
    };
  }

  /** Takes the bar away, so that something else can be printed. To be called at the end, too: the bar has a timer. */
  clear(): void {
    if (this.#bar === undefined) return;
    this.#unwrap();
    this.#bar.stop();
    this.#bar = undefined;
    this.#subject = '';
    this.#drawn = 0;
  }

  #draw(pass: string, name: string, done: number, total: number): void {
    const subject = `${pass} ${name}`;
    if (done === 0 || subject !== this.#subject) {
      this.clear();
      this.#subject = subject;
      this.#bar = this.#begun(pass, name, done, total);
      return;
    }
    this.#bar?.setTotal(total);
    this.#bar?.update(done);
  }

  #begun(pass: string, name: string, done: number, total: number): SingleBar {
    const bar = new SingleBar({
      // Its type is wider than what it uses.
      stream: this.stream as unknown as NodeJS.WritableStream,
      clearOnComplete: true,
      // Else it changes how the terminal wraps lines, and who is killed never changes that back.
      linewrap: true,
      // The command decides itself what an interruption ends.
      gracefulExit: false,
      format: (_options, { value, total: all }) => {
        const share = all === 0 ? 1 : Math.min(1, value / all);
        const figures = `${Math.floor(share * 100)} % (${value} of ${all} rows)`;
        // The last column stays free: a terminal may begin a new line when it is filled.
        const line = fitted(pass, name, share, figures, Math.max(1, this.#columns - 1));
        this.#unwrap();
        this.#drawn = widthOf(line);
        return line;
      },
    });
    bar.start(total, done);
    return bar;
  }

  /** A terminal that has become narrower since shows what was drawn on several lines, of which the bar knows one. */
  #unwrap(): void {
    const lines = Math.ceil(this.#drawn / this.#columns);
    if (lines > 1) this.stream.write(`\u001B[${lines - 1}A\r\u001B[J`);
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
