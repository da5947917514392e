import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.spec.ts'],
    typecheck: { enabled: true, include: ['test/types/**/*.spec-d.ts'], tsconfig: './test/tsconfig.json' },
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
