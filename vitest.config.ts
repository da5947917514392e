import { defineConfig } from 'vitest/config';

/** The contract of the storages once more, on the other line of TypeORM. */
const TYPEORM_1 = 'test/contract/typeorm-1.spec.ts';

const common = { pool: 'forks', testTimeout: 30_000, hookTimeout: 30_000 } as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'all',
          include: ['test/**/*.spec.ts'],
          exclude: [TYPEORM_1, '**/node_modules/**'],
          typecheck: {
            enabled: true,
            include: ['test/types/**/*.spec-d.ts'],
            tsconfig: './test/tsconfig.json',
          },
        },
      },
      {
        resolve: { alias: { typeorm: 'typeorm-1' } },
        test: { ...common, name: 'TypeORM 1', include: [TYPEORM_1] },
      },
    ],
  },
});
