import type { Form } from './form.js';
import { cutTo, printable, printableJson, widthOf } from './printable.js';

/** What a row has to say in one column. */
export interface Column<Row> {
  /** Its heading on a terminal. */
  readonly title: string;
  /** Its name in JSON. */
  readonly name: string;
  /** For programs; `undefined` where there is nothing to say. */
  readonly value: (row: Row) => string | number | null | undefined;
  /** For people, where that is not the value itself. */
  readonly shown?: (row: Row) => string;
  /** Columns of the terminal that it may take; none by default. */
  readonly most?: number;
  readonly isRight?: boolean;
}

const GAP = '  ';
/** Where there is nothing to say. */
export const NOTHING = '-';

/** Prints rows in one of the forms, as they come. */
export class RowPrinter<Row> {
  #widths: readonly number[] | undefined;

  constructor(
    private readonly columns: readonly Column<Row>[],
    private readonly form: Form,
    private readonly print: (line: string) => void,
  ) {}

  /** A table is as wide as its first rows are. */
  rows(rows: readonly Row[]): void {
    if (this.form === 'table') this.#table(rows);
    else for (const row of rows) this.print(this.form === 'json' ? this.#json(row) : this.#plain(row));
  }

  #json(row: Row): string {
    return printableJson(
      Object.fromEntries(this.columns.map(({ name, value }) => [name, value(row) ?? null])),
    );
  }

  #plain(row: Row): string {
    return this.columns.map(({ value }) => printable(String(value(row) ?? NOTHING))).join('\t');
  }

  #table(rows: readonly Row[]): void {
    const lines = rows.map((row) => this.columns.map((column) => textIn(column, row)));
    if (this.#widths === undefined) {
      if (lines.length === 0) return;
      const titles = this.columns.map(({ title }) => title);
      this.#widths = titles.map((title, i) =>
        Math.max(widthOf(title), ...lines.map((line) => widthOf(line[i] ?? ''))),
      );
      this.#line(titles);
    }
    for (const line of lines) this.#line(line);
  }

  #line(texts: readonly string[]): void {
    const cells = texts.map((text, i) => {
      const blanks = ' '.repeat(Math.max(0, (this.#widths?.[i] ?? 0) - widthOf(text)));
      return this.columns[i]?.isRight === true ? `${blanks}${text}` : `${text}${blanks}`;
    });
    this.print(cells.join(GAP).trimEnd());
  }
}

function textIn<Row>({ value, shown, most }: Column<Row>, row: Row): string {
  const text = printable(shown?.(row) ?? String(value(row) ?? NOTHING));
  return most === undefined ? text : cutTo(text, most);
}
