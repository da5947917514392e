// npm run consumers                   makes each application with the Nest CLI, and tries the packed package in it
// npm run consumers -- --only webpack makes those whose name says so
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const { module } = await runnerImport('./test/package/fresh-apps.ts');
const rows = [];
for (const app of module.freshApps.filter(({ name }) => name.includes(values.only))) {
  process.stderr.write(`${app.name}\n`);
  rows.push(await app.tryOut((step) => process.stderr.write(`  ${step}\n`)));
}
console.table(Object.fromEntries(rows.map(({ name, ...steps }) => [name, steps])));
if (rows.some((row) => Object.values(row).includes('failed'))) process.exitCode = 1;
