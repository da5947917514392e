// npm run simulate -- --seeds N               lives through N histories
// npm run simulate -- --seed S --path P       repeats the history in which something was found
// npm run simulate -- --instances …           the same of histories of several processes on one database
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    path: { type: 'string' },
    instances: { type: 'boolean', default: false },
  },
});
const histories = Number(values.seeds);
const seed = values.seed === undefined ? undefined : Number(values.seed);

/** A bar that is drawn over itself on a terminal, and a line every tenth of the way elsewhere. */
function progress(total) {
  const startedAt = performance.now();
  const { isTTY } = process.stderr;
  const every = Math.max(1, Math.round(total / (isTTY ? 500 : 10)));
  return (done) => {
    if (done % every !== 0 && done !== total) return;
    const perSecond = done / ((performance.now() - startedAt) / 1000);
    const filled = Math.min(30, Math.round((30 * done) / total));
    const bar = `[${'█'.repeat(filled)}${'░'.repeat(30 - filled)}]`;
    const left = Math.max(0, Math.round((total - done) / perSecond));
    const line = `${bar} ${done} of ${total} histories, ${Math.round(perSecond)} a second, ${left} s left`;
    process.stderr.write(isTTY ? `\r${line}\x1b[K${done >= total ? '\n' : ''}` : `${line}\n`);
  };
}

const campaign = values.instances ? 'instances/shared-campaign.ts' : 'campaign.ts';
const { module } = await runnerImport(`./test/simulator/${campaign}`);
try {
  const tally = await module.runCampaign({
    histories,
    seed,
    path: values.path,
    onHistory: progress(values.path === undefined ? histories : 1),
  });
  console.log('Every promise was kept.');
  console.table(Object.fromEntries(Object.entries(tally).map(([what, count]) => [what, { count }])));
} catch (error) {
  process.stderr.write('\n');
  console.error(error.message);
  if (error.cause !== undefined) console.error(error.cause.message);
  process.exitCode = 1;
}
