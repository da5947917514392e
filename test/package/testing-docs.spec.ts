import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../support/child-process.js';
import { examplesOf, writeExamples } from '../support/doc-examples.js';
import { installOn, nestLines, type NestLine } from '../support/nest-lines.js';
import { tempFolder } from '../support/temp-folder.js';

const PAGE = 'docs/testing.md';
const MODULES = resolve(import.meta.dirname, '../../node_modules');
const TIMEOUT_MS = 300_000;

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    isolatedModules: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node', 'vitest/globals'],
  },
  include: ['src', 'test'],
};

const VITEST = `export default { test: {
  globals: true, setupFiles: ['reflect-metadata'], include: ['src/**/*.spec.ts', 'test/**/*.{spec,e2e-spec}.ts'],
} };`;

/** A project of the page's files, in which the package is installed as it is built. */
function project(line: NestLine): string {
  const folder = tempFolder();
  installOn(line, folder);
  for (const tool of ['@types', 'typescript', 'vite', 'vitest'])
    symlinkSync(join(MODULES, tool), join(folder, 'node_modules', tool));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  writeFileSync(join(folder, 'vitest.config.mjs'), VITEST);
  writeExamples(PAGE, folder);
  return folder;
}

async function run(folder: string, script: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env['PATH'], NO_COLOR: '1' };
  const child = new Child(process.execPath, [join(MODULES, script), ...args], { cwd: folder, env });
  const { code, output } = await child.ended;
  expect(code, output).toBe(0);
  return output;
}

describe.each(nestLines)(`the examples of ${PAGE} on %s`, { timeout: TIMEOUT_MS }, (line) => {
  let folder: string;
  beforeAll(() => {
    folder = project(line);
  });

  it('compile as they are printed', () => run(folder, 'typescript/bin/tsc', '-p', '.'));

  it('pass in Vitest, and leave no file behind', async () => {
    const specs = [...examplesOf(PAGE).keys()].filter((path) => path.endsWith('spec.ts'));
    expect(specs.length).toBeGreaterThan(4);
    const output = await run(
      folder,
      'vitest/vitest.mjs',
      'run',
      '--reporter=json',
      '--outputFile=results.json',
    );
    const { numPassedTests, numTotalTests, testResults } = JSON.parse(
      readFileSync(join(folder, 'results.json'), 'utf8'),
    ) as { numPassedTests: number; numTotalTests: number; testResults: unknown[] };
    expect(testResults, output).toHaveLength(specs.length);
    expect(numPassedTests).toBe(numTotalTests);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });
});
