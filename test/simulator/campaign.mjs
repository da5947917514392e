// npm run simulate -- --seeds N [--seed S]: lives through N histories; S repeats a campaign that found something.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '10000' }, seed: { type: 'string' } },
});
const { status } = spawnSync(
  'npx',
  ['vitest', 'run', '--typecheck.enabled=false', 'test/simulator/simulator.spec.ts'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      SIMULATE_SEEDS: values.seeds,
      ...(values.seed === undefined ? {} : { SIMULATE_SEED: values.seed }),
    },
  },
);
process.exitCode = status ?? 1;
