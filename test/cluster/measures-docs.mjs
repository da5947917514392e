// Writes the measured parts of docs/scaling.md, with their chart: of the rows that it is given.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { chartOf } from '../bench/support/chart.mjs';
import { machine } from '../bench/support/machine.mjs';
import { tableOf } from '../bench/support/table.mjs';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const FILE = join(DOCS, 'scaling.md');
/** What comes behind the parts. */
const NEXT = '## When to take Redis';
const IMAGE = 'performance/staleness.svg';

const rows = JSON.parse(process.argv[2]);
const round = (number, digits = 2) => Number(number.toFixed(digits));

function staleness() {
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
  return tableOf(
    rows.map(({ name, cache, bare }) => ({
      'database, wire': name,
      'p50, ms': round(cache.p50),
      'p99, ms': round(cache.p99),
      'max, ms': round(cache.max),
      'bare hop p50, ms': bare === undefined ? '' : round(bare.p50),
      'must: p50 ≤ 2 × the bare hop': bare === undefined ? '' : cache.p50 <= 2 * bare.p50 ? 'yes' : 'no',
    })),
  );
}

const race = () =>
  tableOf(
    rows.map(({ name, raced, bareRaced }) => ({
      'database, wire': name,
      'updates/s': Math.round(raced.perSecond),
      'median wait, ms': round(raced.medianMs, 1),
      'worst wait, ms': round(raced.worstMs, 1),
      'fewest / most': round(raced.fairness),
      'bare: transactions/s': Math.round(bareRaced.perSecond),
      'bare: median, ms': round(bareRaced.medianMs, 1),
      'bare: worst, ms': round(bareRaced.worstMs, 1),
    })),
  );

const [os] = machine();
const writtenBy = `Written by \`CLUSTER_WRITE=1 npm run cluster\` on ${new Date().toISOString().slice(0, 10)} (${os}).`;
const parts = {
  '## How soon the others see a write': [
    `For how long the memory of another process shows the value before, counted from the acknowledgement; beside it a bare message on the same
wire, by turns with it in the same run. ${writtenBy} Read the ratios: what else runs on the machine is in all of them. The red line is twice the bare hop.`,
    staleness(),
    `![How soon the others see a write](${IMAGE})`,
  ],
  '## How fast one key can be counted': [
    `Four processes with 64 callers each, every one of which calls \`update()\` again as soon as its last is acknowledged; beside it four
processes that each hold the row in a transaction of their own, with the driver alone. All four and the database share the cores of one machine. Updates that wait
in a process go into one commit, and the processes take turns at the row. A worst wait is mostly a commit that the disk took long for: bare
transactions have it, too. ${writtenBy}`,
    race(),
  ],
};
const isMeasured = (section) => Object.keys(parts).some((title) => section.startsWith(title));
const sections = readFileSync(FILE, 'utf8')
  .split(/^(?=## )/m)
  .filter((section) => !isMeasured(section));
const texts = Object.entries(parts).map(([title, part]) => `${[title, ...part].join('\n\n')}\n\n`);
sections.splice(
  sections.findIndex((section) => section.startsWith(NEXT)),
  0,
  ...texts,
);
writeFileSync(FILE, await format(sections.join(''), { ...(await resolveConfig(FILE)), filepath: FILE }));
