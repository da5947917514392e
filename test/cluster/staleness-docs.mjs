// Writes the part of docs/scaling.md on how soon others see a write, with its chart: of the rows that it is given.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { chartOf } from '../bench/support/chart.mjs';
import { machine } from '../bench/support/machine.mjs';
import { tableOf } from '../bench/support/table.mjs';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const FILE = join(DOCS, 'scaling.md');
const TITLE = '## How soon the others see a write';
const IMAGE = 'performance/staleness.svg';

const rows = JSON.parse(process.argv[2]);
const round = (ms) => Number(ms.toFixed(2));
const table = tableOf(
  rows.map(({ name, cache, bare }) => ({
    'database, wire': name,
    'p50, ms': round(cache.p50),
    'p99, ms': round(cache.p99),
    'max, ms': round(cache.max),
    'bare hop p50, ms': bare === undefined ? '' : round(bare.p50),
    'must: p50 ≤ 2 × the bare hop': bare === undefined ? '' : cache.p50 <= 2 * bare.p50 ? 'yes' : 'no',
  })),
);
const bars = [];
// A logarithmic axis has no place for nothing.
const bar = (name, ms, more = {}) => bars.push({ name, value: Math.max(round(ms), 0.01), ...more });
for (const { name, cache, bare } of rows) {
  bar(`${name}: p50`, cache.p50, { target: bare === undefined ? NaN : 2 * bare.p50 });
  bar(`${name}: p99`, cache.p99);
  bar(`${name}: max`, cache.max);
  if (bare !== undefined) bar(`${name}: bare hop, p50`, bare.p50, { isOurs: false });
}
writeFileSync(
  join(DOCS, IMAGE),
  chartOf({ axis: 'ms after the acknowledgement', bars, isLogarithmic: true }),
);
const [os] = machine();
const part = [
  TITLE,
  `For how long the memory of another process shows the value before, counted from the acknowledgement; beside it a bare message on the same
wire, by turns with it in the same run. Written by \`CLUSTER_WRITE=1 npm run cluster\` on ${new Date().toISOString().slice(0, 10)} (${os}). Read the ratios: what
else runs on the machine is in all of them. The red line is twice the bare hop.`,
  table,
  `![How soon the others see a write](${IMAGE})`,
].join('\n\n');
const sections = readFileSync(FILE, 'utf8').split(/^(?=## )/m);
const at = sections.findIndex((section) => section.startsWith(TITLE));
if (at >= 0) sections.splice(at, 1);
const before = sections.findIndex((section) => section.startsWith('## When to take Redis'));
sections.splice(before, 0, `${part}\n\n`);
writeFileSync(FILE, await format(sections.join(''), { ...(await resolveConfig(FILE)), filepath: FILE }));
