// npm run bench                    every part
// npm run bench -- --only NAME     one of them
// BENCH_DATABASES=sqlite3,postgres npm run bench -- --only NAME    on some of them: sqlite3, better-sqlite3, postgres, mariadb
// npm run bench -- --json          figures for machines
// npm run bench -- --write         docs/performance.md, with charts; with --only the part of that name in it
import { parseArgs } from 'node:util';
import { allocations } from './parts/allocations.mjs';
import { asyncHits } from './parts/async-hits.mjs';
import { bulk } from './parts/bulk.mjs';
import { coalescing } from './parts/coalescing.mjs';
import { conditionalWrites } from './parts/conditional-writes.mjs';
import { databases } from './parts/databases.mjs';
import { decoratedHits } from './parts/decorated-hits.mjs';
import { durableWrites } from './parts/durable-writes.mjs';
import { hits } from './parts/hits.mjs';
import { listing } from './parts/listing.mjs';
import { memory } from './parts/memory.mjs';
import { overload } from './parts/overload.mjs';
import { sets } from './parts/sets.mjs';
import { sharedLog } from './parts/shared-log.mjs';
import { sharedWrites } from './parts/shared-writes.mjs';
import { start } from './parts/start.mjs';
import { sustainedSets } from './parts/sustained-sets.mjs';
import { telemetry } from './parts/telemetry.mjs';
import { valueCheck } from './parts/value-check.mjs';
import { rewritePart, writeReport } from './support/report.mjs';
import { tableOf } from './support/table.mjs';

const PARTS = [
  hits,
  asyncHits,
  decoratedHits,
  allocations,
  sets,
  sustainedSets,
  valueCheck,
  durableWrites,
  conditionalWrites,
  sharedLog,
  sharedWrites,
  coalescing,
  bulk,
  listing,
  databases,
  memory,
  start,
  overload,
  telemetry,
];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const parts = values.only === undefined ? PARTS : PARTS.filter((part) => part.name === values.only);
if (parts.length === 0) {
  console.error(`There is no part '${values.only}'. Known: ${PARTS.map((part) => part.name).join(', ')}.`);
  process.exit(2);
}

const results = [];
for (const part of parts) {
  const rows = await part.run();
  results.push({ part, rows });
  if (values.json) continue;
  console.log(`\n${part.title}\n`);
  console.log(tableOf(rows));
  if (part.note !== undefined) console.log(`\n${part.note}`);
}
if (values.json) {
  const figures = Object.fromEntries(results.map(({ part, rows }) => [part.name, rows]));
  console.log(JSON.stringify(figures, undefined, 2));
}
if (values.write) {
  const [first] = results;
  const file = values.only === undefined ? await writeReport(results) : await rewritePart(first);
  console.log(`\nWritten: ${file}`);
}
