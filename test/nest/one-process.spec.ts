import { Module, type INestApplicationContext } from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi, type Mock } from 'vitest';
import {
  CacheModule,
  CacheService,
  defineNamespace,
  InMemoryStorage,
  json,
  stringKey,
  type CacheModuleOptions,
} from '../../src/index.js';
import { systemClock, type CacheTimer } from '../../src/core/clock.js';
import { Child } from '../support/child-process.js';
import { errorWith } from '../support/definitions.js';
import { settle } from '../support/fake-clock.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { connectTo, POSTGRES, until } from '../support/server-kind.js';
import { postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { hasJournal } from '../support/journal-files.js';

const folder = tempFolder();
const postgres = await postgresServer();
/** How many listen for the end of the process, and would be left behind. */
const endListeners = (): number[] => [process.listenerCount('exit'), process.listenerCount('beforeExit')];
const sessions = defineNamespace({ name: 'sessions', key: stringKey(), value: json<string>() });
const otherSessions = defineNamespace({ name: 'sessions', key: stringKey(), value: json<number>() });

/** From now on, the timers that are set and not cancelled. None of them fires. */
function heldTimers(): { readonly held: ReadonlySet<CacheTimer>; readonly set: Mock } {
  const held = new Set<CacheTimer>();
  const set = vi.spyOn(systemClock, 'setTimer').mockImplementation(() => {
    const timer = { cancel: () => void held.delete(timer) };
    held.add(timer);
    return timer;
  });
  return { held, set };
}

/** An application in a process of its own, with two caches in files of their own. */
function startTwo(name: string, then: string): { child: Child; journals: string[] } {
  const files = [join(folder, `${name}-1.sqlite`), join(folder, `${name}-2.sqlite`)];
  const script = `
    import 'reflect-metadata';
    import { NestFactory } from '@nestjs/core';
    import { CacheModule, CacheService } from ${JSON.stringify(join(process.cwd(), 'dist/src/index.js'))};
    const apps = [];
    for (const database of ${JSON.stringify(files)}) {
      class AppModule {}
      apps.push(await NestFactory.createApplicationContext({
        module: AppModule,
        imports: [CacheModule.forRoot({ storage: { type: 'sqlite', database } })],
      }));
      await apps.at(-1).get(CacheService).setChatSettings(1, { database });
    }
    ${then}`;
  return {
    child: new Child(process.execPath, ['--input-type=module', '-e', script]),
    journals: files.map((file) => `${file}.rescue.ndjson`),
  };
}

describe('several applications in one process', () => {
  it('share one listener for each kind of end, which goes with the last of them, and are no leak to Node', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', note);
    const before = endListeners();
    const apps: INestApplicationContext[] = [];
    for (let i = 0; i < 15; i += 1)
      apps.push(await startApp([CacheModule.forRoot({ storage: new InMemoryStorage() })]));
    expect(endListeners()).toEqual(before.map((count) => count + 1));
    await apps.shift()?.close();
    expect(endListeners()).toEqual(before.map((count) => count + 1));
    for (const app of apps) await app.close();
    expect(endListeners()).toEqual(before);
    process.off('warning', note);
    expect(warnings).not.toContain('MaxListenersExceededWarning');
  });

  it('all save what is unwritten when the process ends without a stop', async () => {
    const { child, journals } = startTwo('both', 'process.exit();');
    await child.ended;
    expect(journals.map(hasJournal)).toEqual([true, true]);
  });

  it('save it also when one of them was closed before', async () => {
    const { child, journals } = startTwo('one', 'await apps[0].close(); process.exit();');
    await child.ended;
    expect(journals.map(hasJournal)).toEqual([false, true]);
  });
});

describe('a start that fails', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const failures: [string, Partial<CacheModuleOptions>, typeof sessions | typeof otherSessions, string][] = [
    ['for two definitions of one name', { namespaces: [sessions] }, otherSessions, 'DUPLICATE_NAMESPACE'],
    ['for two in the options', { namespaces: [sessions, otherSessions] }, sessions, 'DUPLICATE_NAMESPACE'],
  ];

  it.each(failures)(
    '%s leaves no storage, timer or listener behind',
    async (_why, options, feature, code) => {
      const timers = heldTimers();
      const storage = new InMemoryStorage();
      const closed = new Promise<void>((resolve) => {
        vi.spyOn(storage, 'close').mockImplementation(async () => resolve());
      });
      const before = endListeners();
      const start = startApp([
        CacheModule.forRoot({ ...options, storage }),
        CacheModule.forFeature([feature]),
      ]);
      await expect(start).rejects.toThrow(errorWith(code));
      await closed;
      await settle();
      expect(timers.set).toHaveBeenCalled();
      expect(timers.held.size).toBe(0);
      expect(endListeners()).toEqual(before);
    },
  );

  it.skipIf(postgres === undefined).each(failures)(
    '%s leaves no connection to the server behind',
    async (_why, options, feature, code) => {
      const url = (await postgres?.newDatabase()) as string;
      const before = endListeners();
      const watcher = await connectTo(POSTGRES, url);
      const storage = { type: 'postgres' as const, url };
      const start = startApp([
        CacheModule.forRoot({ ...options, storage, rescueJournal: false }),
        CacheModule.forFeature([feature]),
      ]);
      await expect(start).rejects.toThrow(errorWith(code));
      await until(watcher, POSTGRES.others, (count) => count === 0);
      await watcher.destroy();
      await vi.waitFor(() => expect(endListeners()).toEqual(before), { timeout: 20_000 });
    },
  );

  it('in another module leaves all to close(), which releases it', async () => {
    @Module({})
    class Failing {
      onModuleInit(): void {
        throw new Error('of another module');
      }
    }
    const storage = new InMemoryStorage();
    const close = vi.spyOn(storage, 'close');
    const before = endListeners();
    class AppModule {}
    const app = await NestFactory.create(
      { module: AppModule, imports: [CacheModule.forRoot({ storage }), Failing] },
      { logger: new NestLog(), abortOnError: false },
    );
    await expect(app.init()).rejects.toThrow('of another module');
    await app.close();
    expect(close).toHaveBeenCalledOnce();
    expect(endListeners()).toEqual(before);
  });

  it('is none where a module loaded later fails: the application goes on', async () => {
    const app = await startApp([
      CacheModule.forRoot({ storage: new InMemoryStorage(), namespaces: [sessions] }),
    ]);
    @Module({ imports: [CacheModule.forFeature([otherSessions])] })
    class Later {}
    await expect(app.get(LazyModuleLoader).load(() => Later)).rejects.toThrow(
      errorWith('DUPLICATE_NAMESPACE'),
    );
    const cache = app.get(CacheService);
    await cache.namespace(sessions).set('a', 'still served');
    expect(await cache.namespace(sessions).get('a')).toBe('still served');
    await app.close();
  });
});
