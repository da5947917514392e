import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { newDatabase } from '../support/app.mjs';
import { quartiles } from '../support/rounds.mjs';

const ROUNDS = 9;
const APP = join(import.meta.dirname, '..', 'support', 'start-app.mjs');
const KINDS = ['nest', 'typeorm', 'memory', 'sqlite'];
const NAMES = {
  nest: 'Nest alone',
  typeorm: 'Nest and a bare TypeORM DataSource',
  memory: 'Nest and CacheModule, every namespace MEMORY_ONLY',
  sqlite: 'Nest and CacheModule on SQLite',
};

/** From the start of the process to a Nest application context, on a database that is made and migrated before. */
export const start = {
  name: 'start',
  title: 'Start of a Nest application context, ms from the start of the process',
  chart: {
    axis: 'ms',
    bar: (row) => ({ name: row.what, value: row.ms, isOurs: row.what.includes('CacheModule') }),
  },
  async run() {
    const databases = Object.fromEntries(KINDS.map((kind) => [kind, newDatabase()]));
    const samples = Object.fromEntries(KINDS.map((kind) => [kind, []]));
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const kind of KINDS) {
        const ms = await startOf(kind, databases[kind]);
        // The first round makes the database.
        if (round > 0) samples[kind].push(ms);
      }
    }
    return KINDS.map((kind) => {
      const ratios = samples[kind].map((ms, i) => ms / samples.typeorm[i]);
      const [low, ratio, high] = quartiles(ratios);
      return {
        what: NAMES[kind],
        ms: Math.round(quartiles(samples[kind])[1]),
        'ratio to TypeORM': Number(ratio.toFixed(2)),
        spread: `±${((high - low) / 2).toFixed(2)}`,
        'must not exceed': kind === 'sqlite' ? 1.15 : '',
      };
    });
  },
};

async function startOf(kind, database) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [APP, kind, database], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const ms = performance.now() - startedAt;
  await once(child, 'exit');
  return ms;
}
