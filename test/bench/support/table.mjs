/** Rows as a table of Markdown, which is as readable on a terminal. */
export function tableOf(rows) {
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns, ...rows.map((row) => columns.map((column) => String(row[column])))];
  const widths = columns.map((_, i) => Math.max(3, ...lines.map((line) => line[i].length)));
  const isNumber = columns.map((column) =>
    rows.every((row) => row[column] === '' || Number.isFinite(row[column])),
  );
  const print = (cells) => `| ${cells.join(' | ')} |`;
  const [head, ...body] = lines.map((line) =>
    print(line.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))),
  );
  const rule = print(
    widths.map((width, i) => (isNumber[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))),
  );
  return [head, rule, ...body].join('\n');
}
