import { Module, type Type } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RescueFile } from '../../../src/storage/rescue-file.js';
import { CacheModule, CacheService, InMemoryStorage, type AtomOutcome } from '../../../src/index.js';
import { NestLog, startApp } from '../../support/nest-app.js';
import { tempFolder } from '../../support/temp-folder.js';

const folder = tempFolder();

const DEADLINE_MS = 1000;
/** What a busy machine may add. */
const LATE_MS = 600;

/** A module that takes its time in each step of the stop, and notes when its first hook begins. */
function slow(ms: number): { module: Type; began: () => number } {
  let began = 0;
  @Module({})
  class Slow {
    onModuleDestroy(): Promise<void> {
      began = performance.now();
      return pause(ms);
    }
    beforeApplicationShutdown(): Promise<void> {
      return pause(ms);
    }
    onApplicationShutdown(): Promise<void> {
      return pause(ms);
    }
  }
  return { module: Slow, began: () => began };
}

/** A storage that answers no write any more once it hangs. */
class HangingStorage extends InMemoryStorage {
  hangs = false;

  override async write(...args: Parameters<InMemoryStorage['write']>): Promise<readonly AtomOutcome[]> {
    if (this.hangs) await new Promise(() => undefined);
    return super.write(...args);
  }

  override async close(): Promise<void> {
    if (this.hangs) await new Promise(() => undefined);
    await super.close();
  }
}

describe('the deadline of the stop', () => {
  it('holds from the first hook to the last, though the database answers nothing and other modules take their time', async () => {
    const storage = new HangingStorage();
    const rescueJournal = join(folder, 'hanging.ndjson');
    const log = new NestLog();
    const { module } = slow(200);
    const app = await startApp(
      [CacheModule.forRoot({ storage, rescueJournal, shutdownTimeoutMs: DEADLINE_MS }), module],
      log,
    );
    await app.get(CacheService).setChatSettings(1, { a: 1 });
    storage.hangs = true;
    const began = performance.now();
    await app.close();
    expect(performance.now() - began).toBeLessThan(DEADLINE_MS + LATE_MS);
    const [left = ''] = new RescueFile(rescueJournal).files();
    expect(readFileSync(left, 'utf8')).toContain('"key":"1"');
    expect(
      log.with("By the end of the stop the database had not taken 1 entry of namespace 'chats'"),
    ).toHaveLength(1);
  });

  it('counts the time of other hooks: the cache has stopped by then, and Nest goes on', async () => {
    const storage = new InMemoryStorage();
    const rescueJournal = join(folder, 'slow.ndjson');
    const log = new NestLog();
    const { module, began } = slow(400);
    let stopped = 0;
    const close = storage.close.bind(storage);
    storage.close = async () => {
      stopped = performance.now();
      await close();
    };
    const app = await startApp(
      [CacheModule.forRoot({ storage, rescueJournal, shutdownTimeoutMs: DEADLINE_MS }), module],
      log,
    );
    await app.get(CacheService).setChatSettings(1, { a: 1 });
    await app.close();
    expect(stopped - began()).toBeLessThan(DEADLINE_MS);
    expect(await storage.read('chats', ['1'])).toHaveLength(1);
    expect(new RescueFile(rescueJournal).files()).toEqual([]);
    expect(log.with('raise shutdownTimeoutMs (1000 ms)')).toHaveLength(1);
    expect(log.with('Cache stopped')).toHaveLength(1);
  });

  it('leaves the cache open as long as Nest goes on within it', async () => {
    const storage = new InMemoryStorage();
    const log = new NestLog();
    const { module } = slow(100);
    let app!: Awaited<ReturnType<typeof startApp>>;
    @Module({})
    class Late {
      async onApplicationShutdown(): Promise<void> {
        await pause(50);
        await app.get(CacheService).setChatSettings(2, { late: true });
      }
    }
    app = await startApp([CacheModule.forRoot({ storage, shutdownTimeoutMs: 5000 }), module, Late], log);
    await app.close();
    expect(await storage.read('chats', ['2'])).toHaveLength(1);
    expect(log.lines.filter((line) => !line.startsWith('log'))).toEqual([]);
  });

  it('is kept whatever the logger of the app does with its lines', async () => {
    class Throwing extends NestLog {
      override log(message: unknown, context?: unknown): void {
        if (context === 'Cache') throw new Error('the log is full');
        super.log(message);
      }
      override error(message: unknown, context?: unknown): void {
        if (context === 'Cache') throw new Error('the log is full');
        super.error(message);
      }
    }
    const storage = new InMemoryStorage();
    const { module } = slow(300);
    const app = await startApp(
      [CacheModule.forRoot({ storage, shutdownTimeoutMs: 400 }), module],
      new Throwing(),
    );
    await app.get(CacheService).setChatSettings(1, { a: 1 });
    await app.close();
    expect(await storage.read('chats', ['1'])).toHaveLength(1);
  });
});
