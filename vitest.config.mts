import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The contract of the storages once more, on the other line of TypeORM. */
const TYPEORM_1 = 'test/contract/typeorm-1.spec.ts';

/** What is run where an application has been installed. */
const OF_APPS = 'test/package/apps/**';

/** What depends on how Nest calls hooks, injects and replaces parts, once more on the line before. */
const BY_NEST_LINE = [
  'test/nest/stop/*.spec.ts',
  'test/nest/testing/*.spec.ts',
  'test/nest/{missing-module,own-namespaces}.spec.ts',
];
const NEST_11 = fileURLToPath(new URL('node_modules/nest-11/node_modules/@nestjs', import.meta.url));

const common = { pool: 'forks', testTimeout: 30_000, hookTimeout: 30_000 } as const;

export default defineConfig({
  test: {
    // Half of them wait for servers and processes: on two cores Vitest would take one file at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          ...common,
          name: 'all',
          include: ['test/**/*.spec.ts'],
          exclude: [TYPEORM_1, OF_APPS, '**/node_modules/**'],
          typecheck: {
            enabled: true,
            include: ['test/types/**/*.spec-d.ts'],
            tsconfig: './test/tsconfig.json',
          },
        },
      },
      {
        // Optional properties as most apps have them: `?` adds undefined to the type.
        test: {
          ...common,
          name: 'loose optional properties',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ['test/types/json-types.spec-d.ts'],
            tsconfig: './test/types/tsconfig.json',
          },
        },
      },
      {
        resolve: { alias: { typeorm: 'typeorm-1' } },
        test: { ...common, name: 'TypeORM 1', include: [TYPEORM_1] },
      },
      {
        resolve: { alias: { '@nestjs': NEST_11 } },
        test: { ...common, name: 'Nest 11', include: BY_NEST_LINE, env: { NEST_LINE: '11' } },
      },
    ],
  },
});
