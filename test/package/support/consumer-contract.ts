import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { assertRemembers, assertStops, type Also } from './assert-remembers.js';
import { ConsumerApp } from './consumer-app.js';

const INSTALL_TIMEOUT_MS = 480_000;
/** Ample for starts, tests and a compiler that reads the types of all peers, beside three others. */
const RUN_TIMEOUT_MS = 480_000;

const SPECS = readdirSync(resolve(import.meta.dirname, '../apps/specs')).filter((file) =>
  file.endsWith('spec.ts'),
);

export interface ConsumerOptions {
  /** Whether what it needs is not there. */
  readonly skip?: boolean;
  /** Its packages that must be compiled. */
  readonly natives?: readonly string[];
  /** The README's example, where it is to run that too. */
  readonly example?: string;
  /** Whether it has a runner of tests. */
  readonly tests?: boolean;
  /** Its environment. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly also?: Also;
  /** Where its cache is, and where to copy that to with the package's command. */
  readonly copy: { readonly from: string; readonly to: string };
}

type Check = readonly [what: string, check: (app: ConsumerApp) => Promise<void>];

const RUNS_EXAMPLE: Check = [
  'runs the example of the README as it is printed, which counts on after a restart',
  async (app) => {
    for (const visits of [1, 2]) {
      const running = await app.start('readme-example.js');
      expect(await running.request('POST', '/sessions/ada/visits')).toEqual({ visits });
      await assertStops(running);
    }
  },
];

const PASSES_TESTS: Check = [
  'passes its tests: of each subpath, with mocked namespaces, over HTTP, and with fake timers',
  async (app) => {
    const output = await app.test();
    for (const spec of SPECS) expect(output).toContain(spec);
    expect(output).not.toMatch(/did not exit|failed to exit|open handle/i);
  },
];

/**
 * What every application that installs the package may expect: the folder `name` of `apps` is one. Applications are tried
 * beside each other, since installing one leaves a processor idle; what is asked of one is asked in order.
 */
export function describeConsumer(
  name: string,
  { skip = false, natives = [], example, tests = false, variables = {}, also, copy }: ConsumerOptions,
): void {
  describe.skipIf(skip).concurrent(`the application ${name}`, { timeout: RUN_TIMEOUT_MS }, () => {
    const app = new ConsumerApp(name, tempFolder());

    beforeAll(async () => {
      await app.install(natives);
      if (example !== undefined) await app.addSource('readme-example.ts', example);
      if (tests) await app.addTests();
    }, INSTALL_TIMEOUT_MS);

    it.sequential('has no conflict among its peers', async () => {
      expect(app.installed).not.toMatch(/ERESOLVE|peer/i);
      expect(await app.listDependencies()).toContain('nestjs-durable-cache@');
    });

    it.sequential(
      'compiles with strict types, and remembers over SIGTERM and a restart what it should',
      async () => {
        await app.compile();
        await assertRemembers(() => app.start('main.js', variables), also);
      },
    );

    const asked = [...(example === undefined ? [] : [RUNS_EXAMPLE]), ...(tests ? [PASSES_TESTS] : [])];
    it.sequential.each(asked)('%s', (_what, check) => check(app));

    it.sequential('has the command that copies what it remembers', async () => {
      const copied = await app.npx('nestjs-durable-cache', 'copy', '--from', copy.from, '--to', copy.to);
      expect(copied).toContain('scores: 1 of 1 rows copied');
      expect(copied).toContain('hours: 1 of 1 rows copied');
    });
  });
}
