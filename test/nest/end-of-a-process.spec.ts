import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CacheModule, InMemoryStorage } from '../../src/index.js';
import type { Child } from '../support/child-process.js';
import { errorWith } from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';
import { installOn, nestLines, startScript } from '../support/nest-lines.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { hasJournal } from '../support/journal-files.js';

const servers = (await Promise.all([postgresServer(), mariadbServer()])).filter(
  (server) => server !== undefined,
);

/** An application without a server of its own, and with nothing to wait for. */
function run(folder: string, storage: object, options: string, script: string, other = ''): Child {
  return startScript(
    folder,
    `class Other { ${other} }
     Module({})(Other);
     class AppModule {}
     const app = await NestFactory.createApplicationContext(
       { module: AppModule, imports: [CacheModule.forRoot({ storage: ${JSON.stringify(storage)}, ${options} }), Other] },
       { abortOnError: false },
     ).catch((error) => console.log('not started: ' + error.message));
     ${script}`,
  );
}

const WRITE = 'for (let i = 0; i < 50; i += 1) void app.get(CacheService).chats.set(i, { settings: { i } });';
const COUNT = 'console.log(`kept ${(await app.get(CacheService).loadFromDatabase()).rows}`);';

describe.each(nestLines)('a process on %s that nobody stops', (line) => {
  const folder = tempFolder();
  installOn(line, folder);

  it('writes what is dirty to the database when it has nothing left to do', async () => {
    const storage = { type: 'sqlite', database: 'idle.sqlite' };
    expect(await run(folder, storage, '', WRITE).ended).toMatchObject({ code: 0 });
    expect(hasJournal(join(folder, 'idle.sqlite.rescue.ndjson'))).toBe(false);
    expect((await run(folder, storage, '', COUNT).ended).output).toContain('kept 50');
  });

  it('goes on while a caller awaits an ON_CHANGE write, also where its storage holds nothing that keeps it alive', async () => {
    const script = `
      const storage = new FaultyStorage(new InMemoryStorage());
      const isWriting = new Promise((resolve) => {
        const write = storage.write.bind(storage);
        storage.write = (...batch) => (resolve(), write(...batch));
      });
      class AppModule {}
      const app = await NestFactory.createApplicationContext({
        module: AppModule,
        imports: [CacheModule.forRoot({ storage, writeTimeoutMs: 200 })],
      });
      const { chatUsers } = app.get(CacheService);
      const say = (what) => (error) => console.log(what + ' ' + (error?.code ?? 'written'));
      storage.hang('writes');
      const first = chatUsers.set([1, 1], {}).then(say('first'), say('first'));
      await isWriting;
      await chatUsers.set([1, 2], {}).then(say('second'), say('second'));
      // Comes only if something else keeps the process alive.
      setTimeout(() => storage.heal(), 500).unref();
      await first;`;
    const { code, output } = await startScript(folder, script).ended;
    expect(output).toMatch(/second WRITE_FAILED[^]*first written/);
    expect(code).toBe(0);
  });

  it('ends with code 1 when process.exit() loses something', async () => {
    const storage = { type: 'sqlite', database: 'lost.sqlite' };
    const script = `${WRITE} process.exit(0);`;
    const { code, output } = await run(folder, storage, 'rescueJournal: false', script).ended;
    expect(output).toContain('They are lost with this process');
    expect(code).toBe(1);
  });

  it.each(servers)('is not kept alive by its connections to $name', async (server) => {
    const url = await server.newDatabase();
    const storage = { type: new URL(url).protocol.slice(0, -1), url };
    expect(await run(folder, storage, '', WRITE).ended).toMatchObject({ code: 0 });
    expect((await run(folder, storage, '', COUNT).ended).output).toContain('kept 50');
  });

  it.each(servers)('ends where another module fails to start, with $name', async (server) => {
    const url = await server.newDatabase();
    const storage = { type: new URL(url).protocol.slice(0, -1), url };
    const other = "async onModuleInit() { throw new Error('of another module'); }";
    const { code, output } = await run(folder, storage, '', '', other).ended;
    expect(output).toContain('not started: of another module');
    expect(code).toBe(0);
  });
});

describe('a rescue journal in a place that can’t be written to', () => {
  const folder = tempFolder();
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'folder'));

  it.each([
    ['below a file', join(folder, 'file', 'x.ndjson')],
    ['that is a folder', join(folder, 'folder')],
    ['of too long a name', join(folder, 'x'.repeat(240))],
    ['with a NUL', join(folder, 'a\0b')],
    ['below /proc', '/proc/nowhere/x.ndjson'],
  ])('refuses the start where the application named it: %s', async (_what, rescueJournal) => {
    const storage = new InMemoryStorage();
    await expect(startApp([CacheModule.forRoot({ storage, rescueJournal })])).rejects.toThrow(
      errorWith('INVALID_OPTION'),
    );
  });

  it('is fine where its folder is still to be made, and none is made before it is needed', async () => {
    const rescueJournal = join(folder, 'deep', 'down', 'x.ndjson');
    const app = await startApp([CacheModule.forRoot({ storage: new InMemoryStorage(), rescueJournal })]);
    await app.close();
    expect(existsSync(join(folder, 'deep'))).toBe(false);
  });
});
