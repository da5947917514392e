import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The contract of the storages once more, on the other line of TypeORM. */
const TYPEORM_1 = 'test/contract/typeorm-1.spec.ts';

/** They touch nothing of their process but what they make: files that share a worker import the sources once. */
const SHARING_WORKERS = [
  'test/unit/**/*.spec.ts',
  'test/storage/**/*.spec.ts',
  'test/integrations/**/*.spec.ts',
];

/** What is run where an application has been installed. */
const OF_APPS = 'test/package/apps/**';

/** What depends on how Nest calls hooks, injects and replaces parts, once more on the line before. */
const BY_NEST_LINE = [
  'test/nest/decorators/*.spec.ts',
  'test/nest/stop/*.spec.ts',
  'test/nest/testing/*.spec.ts',
  'test/nest/{missing-module,own-namespaces}.spec.ts',
  'test/inspector/{access,actions,events,module}.spec.ts',
];
const NEST_11 = fileURLToPath(new URL('node_modules/nest-11/node_modules/@nestjs', import.meta.url));

/** The files that take longest. Begun last, one of them would run alone for as long as it takes. */
const LONGEST = [
  'test/package/consumers.spec.ts',
  'test/contract/storage.spec.ts',
  'test/storage/server-tables.spec.ts',
  'test/soak/soak.spec.ts',
  'test/cluster/cluster.spec.ts',
  TYPEORM_1,
  'test/cluster/fairness.spec.ts',
  'test/crash/bot/bot.spec.ts',
  'test/crash/restore-drill.spec.ts',
  'test/crash/sigkill.spec.ts',
  'test/package/testing-docs.spec.ts',
];

/** Begins with the longest; a clean clone knows no more of the others than their sizes. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const rank = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`));
      return rank === -1 ? LONGEST.length : rank;
    };
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

const common = { pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const;

export default defineConfig({
  test: {
    // Most of them wait for servers, disks and processes: two at a time leave two cores idle half of the time.
    maxWorkers: Math.max(4, availableParallelism()),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'all',
          include: ['test/**/*.spec.ts'],
          exclude: [TYPEORM_1, ...SHARING_WORKERS, OF_APPS, '**/node_modules/**'],
          typecheck: {
            enabled: true,
            include: ['test/types/**/*.spec-d.ts'],
            tsconfig: './test/tsconfig.json',
          },
        },
      },
      { test: { ...common, name: 'sharing workers', include: SHARING_WORKERS, isolate: false } },
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
