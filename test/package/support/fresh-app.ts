import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addSubpaths, asWrittenFor, copySources } from './app-sources.js';
import { assertRemembers } from './assert-remembers.js';
import { buildNative, packInto } from './packed-package.js';
import { RunningApp } from './running-app.js';

const run = promisify(execFile);

/** The libraries that the package's subpaths are for; its tests use both lines of Keyv. */
const OF_SUBPATHS = [
  '@redis/client',
  'express-session',
  '@nestjs/throttler',
  'keyv@5',
  'keyv-6@npm:keyv@6',
  '@opentelemetry/api',
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/sdk-trace-base',
];

interface FreshAppOptions {
  readonly name: string;
  /** The line of the Nest CLI that makes it. */
  readonly cli: '11' | '12';
  /** What else `nest new` is told. */
  readonly make?: readonly string[];
  /** What it installs beside the package. */
  readonly packages: readonly string[];
  readonly devPackages?: readonly string[];
  /** What else `nest build` is told. */
  readonly build?: readonly string[];
}

/** An application as `nest new` makes it, into which the packed package is installed. */
export class FreshApp {
  readonly name: string;
  #folder = '';

  constructor(private readonly options: FreshAppOptions) {
    this.name = options.name;
  }

  /** Goes through the first hour of its author; resolves with how long each step took, or what failed. */
  async tryOut(begin: (step: string) => void): Promise<Record<string, string>> {
    const scratch = mkdtempSync(join(tmpdir(), 'fresh-app-'));
    this.#folder = join(scratch, 'app');
    const row: Record<string, string> = { name: this.name };
    try {
      for (const [step, task] of Object.entries(this.#steps(scratch))) {
        begin(step);
        const before = performance.now();
        row[step] = 'failed';
        await task();
        row[step] = `${Math.round((performance.now() - before) / 1000)} s`;
      }
    } catch (error) {
      const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
      console.error(`${message}\n${stdout}${stderr}`);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return row;
  }

  #steps(scratch: string): Record<string, () => Promise<unknown>> {
    const { cli, make = [], build = [] } = this.options;
    const cliPackage = `@nestjs/cli@${cli}`;
    const newApp = ['new', 'app', '--package-manager', 'npm', '--skip-git', ...make];
    return {
      'nest new': () => run('npx', ['--yes', cliPackage, ...newApp], { cwd: scratch }),
      'npm install': () => this.#install(),
      'nest build': async () => {
        await this.#write();
        await this.#inApp('npm', 'run', 'build', '--', ...build);
      },
      remembers: () => assertRemembers(() => RunningApp.start(this.#folder, 'main.js')),
      'npm test': () => this.#inApp('npm', 'test'),
      'npm run test:e2e': () => this.#inApp('npm', 'run', 'test:e2e'),
    };
  }

  async #install(): Promise<void> {
    const { cli, packages, devPackages = [] } = this.options;
    // Version 12 is ES modules alone, which the Jest of a Nest 11 app does not load.
    const terminus = `@nestjs/terminus@${cli}`;
    await packInto(this.#folder);
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    if (devPackages.length > 0) await this.#inApp('npm', ...install, '--save-dev', ...devPackages);
    await this.#inApp('npm', ...install, ...packages, ...OF_SUBPATHS, terminus, './nestjs-durable-cache.tgz');
    for (const native of ['sqlite3', 'better-sqlite3']) {
      if (packages.includes(native)) await buildNative(native, this.#folder);
    }
  }

  /** What the author writes: a module that uses the cache, with its tests, beside what the CLI made. */
  async #write(): Promise<void> {
    await copySources('scores', this.#folder);
    await copySources('specs', this.#folder);
    await addSubpaths(this.#folder);
    // Where the CLI's configuration looks for it.
    await rename(
      join(this.#folder, 'src/specs/scores.e2e-spec.ts'),
      join(this.#folder, 'test/scores.e2e-spec.ts'),
    );
    await this.#edit('test/scores.e2e-spec.ts', /'\.\.\/scores/, "'../src/scores");
    await this.#edit('test/scores.e2e-spec.ts', /'\.\/installed/, "'../src/specs/installed");
    await this.#edit('src/main.ts', /( +)(await app\.listen)/, '$1app.enableShutdownHooks();\n$1$2');
    await this.#edit(
      'src/app.module.ts',
      /\nimport /,
      "\nimport { CacheModule } from 'nestjs-durable-cache';\nimport { ScoresModule } from './scores/scores.module.js';\nimport ",
    );
    await this.#edit('src/app.module.ts', /imports: \[/, 'imports: [CacheModule.forRoot(), ScoresModule');
  }

  async #edit(file: string, what: RegExp, by: string): Promise<void> {
    const path = join(this.#folder, file);
    const text = await readFile(path, 'utf8');
    if (!what.test(text)) throw new Error(`${file} is not as the CLI used to make it:\n${text}`);
    await writeFile(path, await asWrittenFor(this.#folder, text.replace(what, by)));
  }

  #inApp(command: string, ...args: string[]): Promise<unknown> {
    return run(command, args, { cwd: this.#folder, env: { ...process.env, NO_COLOR: '1' } });
  }
}
