import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { ALICE, BOB, GROUP, SUPERGROUP, TelegramWorld } from './support/telegram-world.js';

const world = new TelegramWorld();

describe('while the database is locked, the bot', () => {
  it('stops in time, and what it could not store is unconfirmed and stored at the next start', async () => {
    await world.start();
    const unlock = await lockDatabase();
    world.api.write(['/remember tea Oolong'], ALICE);
    await world.bot.prints(/cannot write/);
    const stopAt = performance.now();
    world.bot.kill('SIGTERM');
    await world.bot.prints(/will come again/);
    // Within shutdownTimeoutMs: the cache tries to write first, and then the bot waits for what is in hand.
    expect(performance.now() - stopAt).toBeLessThan(8000);
    expect(world.api.queue.unconfirmed).toBe(1);
    world.bot.kill('SIGKILL');
    await world.bot.ended;
    await unlock();
    expect(world.api.sent).toEqual([]);
    await world.start();
    expect(await world.api.answers(1)).toEqual(['I’ll remember: tea = Oolong']);
    await world.bot.stop();
    expect(world.api.queue.unconfirmed).toBe(0);
  });

  it('leaves a migration unconfirmed until it is in the database', async () => {
    await world.start();
    world.api.write(['/set language German'], GROUP);
    await world.api.answers(1);
    await world.api.queue.confirmedBut(0);
    const unlock = await lockDatabase();
    world.api.migrate(GROUP, SUPERGROUP);
    await world.bot.prints(/Chat -5 could not be moved to -1005: WRITE_FAILED.* Trying again/);
    world.api.write(['/help'], BOB);
    await world.api.answers(2);
    expect(world.api.queue.unconfirmed).toBe(3);
    await unlock();
    await world.api.queue.confirmedBut(0);
    world.bot.kill('SIGKILL');
    await world.bot.ended;
    await world.start();
    world.api.write(['/settings'], SUPERGROUP);
    expect((await world.api.answers(3))[2]).toBe('language = German');
    await world.bot.stop();
  });

  /** Gives the function that ends it. */
  async function lockDatabase(): Promise<() => Promise<void>> {
    const other = await new DataSource({ type: 'better-sqlite3', database: world.database }).initialize();
    await other.query('BEGIN EXCLUSIVE');
    return () => other.destroy();
  }
});
