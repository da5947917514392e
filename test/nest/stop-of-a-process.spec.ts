import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Child } from '../support/child-process.js';
import { installOn, nestLines, startScript } from '../support/nest-lines.js';
import { tempFolder } from '../support/temp-folder.js';
import { hasJournal } from '../support/journal-files.js';

const HOOKS = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'] as const;
const WRITE =
  "for (let i = 0; i < 900; i += 1) void cache.chats.set(i, { settings: { i } }); console.log('written');";
const STAY = `${WRITE} setInterval(() => undefined, 1000);`;

describe.each(nestLines)('a process on %s whose stop fails in another module', (line) => {
  const folder = tempFolder();
  installOn(line, folder);

  /** A process with a module whose `hook` does `what`. */
  function start(database: string, hook: string, what: string, then: string): Child {
    return startScript(
      folder,
      `let cache;
       class Other { async ${hook}() { ${what} } }
       Module({})(Other);
       class AppModule {}
       const storage = { type: 'sqlite', database: '${database}' };
       const app = await NestFactory.createApplicationContext({
         module: AppModule,
         imports: [CacheModule.forRoot({ storage, shutdownTimeoutMs: 4000, checkpointIntervalMs: false }), Other],
       });
       cache = app.get(CacheService);
       app.enableShutdownHooks();
       ${then}`,
    );
  }

  async function kept(database: string): Promise<string> {
    const reader = start(
      database,
      'none',
      '',
      'console.log(`kept ${(await cache.loadFromDatabase()).rows}`); process.exit();',
    );
    return /kept \d+/.exec((await reader.ended).output)?.[0] ?? 'nothing';
  }

  const journalOf = (database: string): string => join(folder, `${database}.rescue.ndjson`);

  it.each(HOOKS)(
    'has all of it in the database, not in the journal, when SIGTERM meets a %s that throws',
    async (hook) => {
      const database = `throws-${hook}`;
      const child = start(database, hook, "throw new Error('of another module');", STAY);
      await child.prints(/written\n/);
      child.kill('SIGTERM');
      const { output } = await child.ended;
      expect(output).toContain('of another module');
      expect(hasJournal(journalOf(database))).toBe(false);
      expect(await kept(database)).toBe('kept 900');
    },
  );

  it('keeps what that hook itself wrote before, and says truly where it is', async () => {
    const what = "void cache.chats.set(5000, { settings: {} }); throw new Error('of another module');";
    const child = start('writes', 'onModuleDestroy', what, STAY);
    await child.prints(/written\n/);
    child.kill('SIGTERM');
    const { output } = await child.ended;
    expect(output).not.toContain('the database had not taken');
    expect(
      output.includes("The process ended before the cache had written 1 entry of namespace 'chats'"),
    ).toBe(hasJournal(journalOf('writes')));
    expect(await kept('writes')).toBe('kept 901');
  });

  it.each(HOOKS)(
    'stops the cache by itself when the %s never ends, and the process goes on',
    async (hook) => {
      const database = `hangs-${hook}`;
      const what = 'void cache.chats.set(5000, { settings: {} }); await new Promise(() => undefined);';
      const child = start(database, hook, what, STAY);
      await child.prints(/written\n/);
      child.kill('SIGTERM');
      await child.prints(/Cache stopped: 901 entries written/);
      child.kill('SIGKILL');
      const { output } = await child.ended;
      expect(output).toMatch(/ERROR.*has not come to the last hook of the cache/);
      expect(hasJournal(journalOf(database))).toBe(false);
      expect(await kept(database)).toBe('kept 901');
    },
  );

  it('stops the cache at once when the process has nothing else to do', async () => {
    const what = 'void cache.chats.set(5000, { settings: {} }); await new Promise(() => undefined);';
    const child = start('idle', 'beforeApplicationShutdown', what, `${WRITE} void app.close();`);
    const { output, code } = await child.ended;
    expect(code).toBe(0);
    expect(output).toMatch(/Cache stopped: 901 entries written/);
    expect(hasJournal(journalOf('idle'))).toBe(false);
    expect(await kept('idle')).toBe('kept 901');
  });
});
