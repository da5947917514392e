import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { BotProcess } from './support/bot-process.js';
import { FakeBotApi } from './support/fake-bot-api.js';

const folder = tempFolder();
const ALICE = { id: 7, type: 'private' };
const BOB = { id: 8, type: 'private' };
const GROUP = { id: -5, type: 'group', title: 'Tea club' };
const SUPERGROUP = { id: -1005, type: 'supergroup', title: 'Tea club' };

let api: FakeBotApi;
let bot: BotProcess;
let runs = 0;

beforeEach(async () => {
  api = await new FakeBotApi().start();
  runs += 1;
});
afterEach(() => {
  bot.end();
  api.stop();
});

async function start(): Promise<void> {
  bot = new BotProcess(folder, { ...api.variables, CACHE_DATABASE: database() });
  await bot.prints(/Listening as @GromozekaBot/);
}

function database(): string {
  return `${folder}/${runs}.sqlite`;
}

describe('while the database is locked, the bot', () => {
  it('stops in time, and what it could not store is unconfirmed and stored at the next start', async () => {
    await start();
    const unlock = await lockDatabase();
    api.write(['/remember tea Oolong'], ALICE);
    await bot.prints(/cannot write/);
    const stopAt = performance.now();
    bot.kill('SIGTERM');
    await bot.prints(/will come again/);
    // Within shutdownTimeoutMs: the cache tries to write first, and then the bot waits for what is in hand.
    expect(performance.now() - stopAt).toBeLessThan(8000);
    expect(api.queue.unconfirmed).toBe(1);
    bot.kill('SIGKILL');
    await bot.ended;
    await unlock();
    expect(api.sent).toEqual([]);
    await start();
    expect(await api.answers(1)).toEqual(['I’ll remember: tea = Oolong']);
    await bot.stop();
    expect(api.queue.unconfirmed).toBe(0);
  });

  it('leaves a migration unconfirmed until it is in the database', async () => {
    await start();
    api.write(['/set language German'], GROUP);
    await api.answers(1);
    await api.queue.confirmedBut(0);
    const unlock = await lockDatabase();
    api.migrate(GROUP, SUPERGROUP);
    await bot.prints(/Chat -5 could not be moved to -1005: WRITE_FAILED.* Trying again/);
    api.write(['/help'], BOB);
    await api.answers(2);
    expect(api.queue.unconfirmed).toBe(3);
    await unlock();
    await api.queue.confirmedBut(0);
    bot.kill('SIGKILL');
    await bot.ended;
    await start();
    api.write(['/settings'], SUPERGROUP);
    expect((await api.answers(3))[2]).toBe('language = German');
    await bot.stop();
  });

  /** Gives the function that ends it. */
  async function lockDatabase(): Promise<() => Promise<void>> {
    const other = await new DataSource({ type: 'better-sqlite3', database: database() }).initialize();
    await other.query('BEGIN EXCLUSIVE');
    return () => other.destroy();
  }
});
