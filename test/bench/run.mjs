// npm run bench                    every part
// npm run bench -- --only NAME     one of them
// npm run bench -- --json          figures for machines
import { parseArgs } from 'node:util';
import { allocations } from './parts/allocations.mjs';
import { asyncHits } from './parts/async-hits.mjs';
import { bulk } from './parts/bulk.mjs';
import { coalescing } from './parts/coalescing.mjs';
import { databases } from './parts/databases.mjs';
import { durableWrites } from './parts/durable-writes.mjs';
import { hits } from './parts/hits.mjs';
import { memory } from './parts/memory.mjs';
import { overload } from './parts/overload.mjs';
import { sets } from './parts/sets.mjs';
import { start } from './parts/start.mjs';

const PARTS = [
  hits,
  asyncHits,
  allocations,
  sets,
  durableWrites,
  coalescing,
  bulk,
  databases,
  memory,
  start,
  overload,
];

const { values } = parseArgs({
  options: { only: { type: 'string' }, json: { type: 'boolean', default: false } },
});
const parts = values.only === undefined ? PARTS : PARTS.filter((part) => part.name === values.only);
if (parts.length === 0) {
  console.error(`There is no part '${values.only}'. Known: ${PARTS.map((part) => part.name).join(', ')}.`);
  process.exit(2);
}

const results = {};
for (const part of parts) {
  const rows = await part.run();
  results[part.name] = rows;
  if (values.json) continue;
  console.log(`\n${part.title}\n`);
  console.table(rows);
  if (part.note !== undefined) console.log(part.note);
}
if (values.json) console.log(JSON.stringify(results, undefined, 2));
