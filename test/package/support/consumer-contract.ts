import { beforeAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { ConsumerApp } from './consumer-app.js';

const INSTALL_TIMEOUT_MS = 240_000;
/** Ample for two starts and a compiler that reads the types of all peers, beside three others. */
const RUN_TIMEOUT_MS = 120_000;

type Request = readonly [method: 'GET' | 'POST' | 'DELETE', path: string];

export interface ConsumerOptions {
  /** Whether what it needs is not there. */
  readonly skip?: boolean;
  /** Its packages that must be compiled. */
  readonly natives?: readonly string[];
  /** Sources to compile with its own, by file name. */
  readonly sources?: Readonly<Record<string, string>>;
  /** Its environment. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Something else that it remembers. */
  readonly also?: { readonly write: Request; readonly read: Request; readonly answer: unknown };
  /** Where its cache is, and where to copy that to with the package's command. */
  readonly copy: { readonly from: string; readonly to: string };
}

/**
 * What every application that installs the package may expect: the folder `name` of `apps` is one. Applications are tried
 * beside each other, since installing one leaves a processor idle; what is asked of one is asked in order.
 */
export function describeConsumer(
  name: string,
  { skip = false, natives = [], sources = {}, variables = {}, also, copy }: ConsumerOptions,
): void {
  describe.skipIf(skip).concurrent(`the application ${name}`, { timeout: RUN_TIMEOUT_MS }, () => {
    const app = new ConsumerApp(name, tempFolder());

    beforeAll(async () => {
      await app.install(natives);
      for (const [file, text] of Object.entries(sources)) await app.addSource(file, text);
    }, INSTALL_TIMEOUT_MS);

    it.sequential('has no conflict among its peers', async () => {
      expect(app.installed).not.toMatch(/ERESOLVE|peer/i);
      expect(await app.listDependencies()).toContain('nestjs-durable-cache@');
    });

    it.sequential(
      'compiles with strict types, and remembers over SIGTERM and a restart what it should',
      async () => {
        await app.compile();
        const first = await app.start(variables);
        await first.request('POST', '/players/bob/hours/7/points/1');
        await first.request('POST', '/players/ada/hours/7/points/10');
        const before = await first.request('POST', '/players/ada/hours/7/points/5');
        expect(before).toEqual({ points: 15, thisHour: 16, streak: 2 });
        expect(await first.request('DELETE', '/players/bob')).toEqual({ forgotten: true });
        if (also !== undefined) await first.request(...also.write);
        expect(await first.stop()).toBe('SIGTERM');
        expect(first.output).not.toMatch(/WARN|ERROR/i);

        const second = await app.start(variables);
        const gone = { points: 0, thisHour: 0, streak: 0 };
        expect(await second.request('GET', '/players/ada/hours/7')).toEqual({
          ...(before as object),
          streak: 0,
        });
        expect(await second.request('GET', '/players/bob/hours/8')).toEqual(gone);
        if (also !== undefined) expect(await second.request(...also.read)).toEqual(also.answer);
        expect(await second.stop()).toBe('SIGTERM');
        expect(second.output).not.toMatch(/WARN|ERROR/i);
      },
    );

    it.sequential('has the command that copies what it remembers', async () => {
      const copied = await app.npx('nestjs-durable-cache', 'copy', '--from', copy.from, '--to', copy.to);
      expect(copied).toContain('scores: 1 of 1 rows copied');
      expect(copied).toContain('hours: 1 of 1 rows copied');
    });
  });
}
