import type { CopyListener } from './storage-copy.js';

const BAR_WIDTH = 30;
/** Between two lines where there is no terminal to draw on. */
const ROWS_PER_LINE = 20_000;

/** The part of `process.stderr` that progress is shown on. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Shows how far a copy is: a bar that moves on a terminal, a line now and then elsewhere. */
export class CopyProgress {
  #isDrawn = false;
  #percent = -1;

  constructor(private readonly stream: ProgressStream) {}

  /** What to call for the pages of one pass, such as `copying`. */
  listener(pass: string): CopyListener {
    return (namespace, done, total) => {
      if (this.stream.isTTY === true) this.#draw(pass, namespace, done, total);
      else this.#tell(pass, namespace, done, total);
    };
  }

  /** Takes the bar away, so that something else can be printed. */
  clear(): void {
    if (this.#isDrawn) this.stream.write('\r\u001B[K');
    this.#isDrawn = false;
    this.#percent = -1;
  }

  #draw(pass: string, namespace: string, done: number, total: number): void {
    const share = total === 0 ? 1 : done / total;
    const percent = Math.floor(share * 100);
    if (done > 0 && percent === this.#percent) return;
    this.#percent = percent;
    this.#isDrawn = true;
    const bar = '#'.repeat(Math.floor(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '-');
    this.stream.write(`\r\u001B[K${pass} ${namespace} [${bar}] ${percent} % (${done} of ${total} rows)`);
  }

  #tell(pass: string, namespace: string, done: number, total: number): void {
    if (done === 0 || done === total || done % ROWS_PER_LINE !== 0) return;
    this.stream.write(`${pass} ${namespace}: ${done} of ${total} rows\n`);
  }
}
