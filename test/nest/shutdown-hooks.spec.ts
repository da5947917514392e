import { describe, expect, it } from 'vitest';
import type { Child } from '../support/child-process.js';
import { installOn, nestLines, startScript } from '../support/nest-lines.js';
import { tempFolder } from '../support/temp-folder.js';

const WARNING = /WARN.*enableShutdownHooks/;
const STAY = 'setInterval(() => undefined, 1000);';
/** Options of a cache that can write nothing. */
const LOSSY = `{
  shutdownTimeoutMs: 100,
  rescueJournal: false,
  storage: Object.assign(new InMemoryStorage(), {
    write: () => Promise.reject(new Error('gone')),
    classify: () => 'transient',
  }),
}`;
const OTHER_APP = `
  const other = await NestFactory.createApplicationContext({
    module: class OtherModule {},
    imports: [CacheModule.forRoot(${LOSSY})],
  });
  other.enableShutdownHooks(['SIGTERM']);
  await other.get(CacheService).setChatSettings(1, { a: 1 });`;

describe.each(nestLines)('shutdown hooks on %s', (line) => {
  const folder = tempFolder();
  installOn(line, folder);

  /** An application in a process of its own, with what is to be done after its creation. */
  function startProcess(database: string, then: string, cacheOptions = '{}'): Child {
    return startScript(
      folder,
      `class AppModule {}
       const app = await NestFactory.createApplicationContext({
         module: AppModule,
         imports: [CacheModule.forRoot({ storage: { type: 'sqlite', database: '${database}' }, ...${cacheOptions} })],
       });
       const cache = app.get(CacheService);
       ${then}`,
    );
  }

  it.each([
    ['nothing listens for signals', '', /SIGTERM|SIGINT/],
    [
      'only others listen for them',
      "process.on('SIGINT', () => undefined); process.on('SIGTERM', () => process.exit());",
      /never/,
    ],
    ['Nest listens for others only', "app.enableShutdownHooks(['SIGUSR2']);", /SIGTERM|SIGINT/],
  ])('are asked for, once, when %s', async (_when, code, notMentioned) => {
    const child = startProcess('warned', `${code} await cache.setChatSettings(1, { a: 1 }); ${STAY}`);
    const [warning] = await child.prints(/WARN.*enableShutdownHooks.*/);
    expect(warning).not.toMatch(notMentioned);
    child.kill('SIGKILL');
    const { output } = await child.ended;
    expect(output.match(/enableShutdownHooks/g)).toHaveLength(1);
  });

  it.each([
    ['they are enabled', 'app.enableShutdownHooks();', '{}'],
    [
      'they are enabled beside other listeners',
      "process.on('SIGTERM', () => undefined); app.enableShutdownHooks();",
      '{}',
    ],
    ['they are enabled for one signal', "app.enableShutdownHooks(['SIGTERM']);", '{}'],
    ['no namespace needs them', '', '{ chatNamespaces: false }'],
    [
      'nobody uses the built-in namespace that would need them',
      "await cache.setUserData(1, 2, 'a', 1);",
      '{}',
    ],
    ['the stop has begun', "app.enableShutdownHooks(); process.kill(process.pid, 'SIGTERM');", '{}'],
  ])('are not asked for when %s', async (_when, code, options) => {
    // The check comes a second after the start: look after it.
    const child = startProcess('quiet', `${code} setTimeout(() => process.exit(), 1500);`, options);
    const { output } = await child.ended;
    expect(output).toMatch(/Cache started/);
    expect(output).not.toMatch(WARNING);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('write everything when the process gets %s', async (signal) => {
    const child = startProcess(
      signal,
      `app.enableShutdownHooks();
       for (let i = 0; i < 5000; i += 1) void cache.chats.set(i, { settings: { i } });
       console.log('written');
       ${STAY}`,
    );
    await child.prints(/written\n/);
    child.kill(signal);
    expect((await child.ended).signal).toBe(signal);
    const reader = startProcess(
      signal,
      'console.log(`kept ${(await cache.chats.get(4999))?.settings?.i} of ${(await cache.loadFromDatabase()).rows}`); await app.close();',
      '{ overrides: { chats: { maxEntries: 10000 } } }',
    );
    expect((await reader.ended).output).toContain('kept 4999 of 5000');
  });

  it.each([
    ['hooks that end with process.exit()', '{ useProcessExit: true }'],
    ['hooks that send the signal again', '{}'],
    ['app.close()', undefined],
  ])('end with exit code 1 when a stop loses something: %s', async (_how, hooks) => {
    const child = startProcess(
      'lossy',
      `${hooks === undefined ? '' : `app.enableShutdownHooks(['SIGTERM'], ${hooks});`}
       await cache.setChatSettings(1, { a: 1 });
       console.log('written');
       ${hooks === undefined ? 'await app.close();' : STAY}`,
      LOSSY,
    );
    await child.prints(/written\n/);
    if (hooks !== undefined) child.kill('SIGTERM');
    expect(await child.ended).toMatchObject({ code: 1, output: expect.stringContaining('lost') as string });
  });

  it.each([
    ['another application that loses something', OTHER_APP],
    ['a listener of somebody else', "process.on('SIGTERM', () => undefined);"],
  ])('end with exit code 1 when a stop loses something, with %s', async (_what, more) => {
    const child = startProcess(
      'lossy',
      `app.enableShutdownHooks(['SIGTERM']);
       await cache.setChatSettings(1, { a: 1 });
       ${more}
       console.log('written');
       ${STAY}`,
      LOSSY,
    );
    await child.prints(/written\n/);
    child.kill('SIGTERM');
    expect(await child.ended).toMatchObject({ code: 1, output: expect.stringContaining('lost') as string });
  });

  it('let a process that only waits for a write end by itself when that is committed', async () => {
    const child = startProcess(
      'alone',
      "await cache.setUserData(1, 2, 'a', 1); await app.close(); console.log('done');",
    );
    expect(await child.ended).toMatchObject({ code: 0, output: expect.stringContaining('done') as string });
  });
});
