import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { chartOf } from './chart.mjs';
import { machine } from './machine.mjs';
import { tableOf } from './table.mjs';

const DOCS = join(import.meta.dirname, '..', '..', '..', 'docs');

const INTRODUCTION = `
What the cache costs beside the limit (the same work by hand, on the same driver) and other caches, measured in one run.
Written by \`npm run bench -- --write\`; \`npm run bench\` prints the same tables, \`-- --only NAME\` one of them.

Read the ratios: absolute figures depend on this machine and on what else runs on it. Cases take turns of a few milliseconds. Each
turn gives a ratio; the tables show the median of these ratios, and ± is half of their interquartile range. The table says what
each part must reach, and the chart shows it as a red line.
`;

/** Writes docs/performance.md with a chart for each part. */
export async function writeReport(results) {
  mkdirSync(join(DOCS, 'performance'), { recursive: true });
  const sections = results.map(({ part, rows }) => {
    const lines = [`## ${part.title}`, '', tableOf(rows)];
    if (part.note !== undefined) lines.push('', part.note);
    if (part.chart !== undefined) {
      const { axis, bar, isLogarithmic } = part.chart;
      const bars = rows.map(bar).filter((one) => one !== undefined);
      writeFileSync(join(DOCS, 'performance', `${part.name}.svg`), chartOf({ axis, bars, isLogarithmic }));
      lines.push('', `![${part.title}](performance/${part.name}.svg)`);
    }
    return lines.join('\n');
  });
  const date = new Date().toISOString().slice(0, 10);
  const where = [`Measured on ${date}.`, ...machine()].map((line) => `- ${line}`).join('\n');
  const text = ['# Performance', INTRODUCTION.trim(), where, ...sections].join('\n\n');
  const file = join(DOCS, 'performance.md');
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
  return file;
}
