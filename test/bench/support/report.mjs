import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { chartOf } from './chart.mjs';
import { machine } from './machine.mjs';
import { tableOf } from './table.mjs';

const DOCS = join(import.meta.dirname, '..', '..', '..', 'docs');
const FILE = join(DOCS, 'performance.md');

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
  const sections = results.map(sectionOf);
  const date = new Date().toISOString().slice(0, 10);
  const where = [`Measured on ${date}.`, ...machine()].map((line) => `- ${line}`).join('\n');
  return write(['# Performance', INTRODUCTION.trim(), where, ...sections].join('\n\n'));
}

/** Writes one part anew, in its place or behind the others. */
export async function rewritePart(result) {
  const sections = readFileSync(FILE, 'utf8').split(/^(?=## )/m);
  const heading = `## ${result.part.title}\n`;
  const at = sections.findIndex((section) => section.startsWith(heading));
  sections[at < 0 ? sections.length : at] = `\n${sectionOf(result)}\n\n`;
  return write(sections.join(''));
}

function sectionOf({ part, rows }) {
  const lines = [`## ${part.title}`, '', tableOf(rows)];
  if (part.note !== undefined) lines.push('', part.note);
  if (part.chart !== undefined) {
    const { axis, bar, isLogarithmic } = part.chart;
    const bars = rows.map(bar).filter((one) => one !== undefined);
    writeFileSync(join(DOCS, 'performance', `${part.name}.svg`), chartOf({ axis, bars, isLogarithmic }));
    lines.push('', `![${part.title}](${imageOf(part)})`);
  }
  return lines.join('\n');
}

function imageOf({ name }) {
  return `performance/${name}.svg`;
}

async function write(text) {
  writeFileSync(FILE, await format(text, { ...(await resolveConfig(FILE)), filepath: FILE }));
  return FILE;
}
