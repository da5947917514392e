import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InMemoryStorage } from '../../../src/index.js';
import { writeChanges } from '../../../src/testing/contract/changes.js';
import { TestBot } from '../../e2e/support/test-bot.js';
import { ChaosError, ChaosStorage } from '../../support/chaos-storage.js';

const GROUP = { chatId: -5 };
const SUPERGROUP = { chatId: -1005, type: 'supergroup' };

describe('a group that becomes a supergroup', () => {
  let bot: TestBot;
  beforeEach(async () => {
    bot = await new TestBot().start();
    await bot.say('/set language German', GROUP);
    await bot.say('/remember tea Oolong', { ...GROUP, userId: 1 });
    await bot.say('/remember tea Assam', { ...GROUP, userId: 2 });
  });
  afterEach(() => bot.stop());

  it('keeps its settings and its count', async () => {
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    await bot.restart();
    expect(await bot.say('/settings', SUPERGROUP)).toBe('language = German');
    expect(await bot.say('/info', SUPERGROUP)).toContain('(supergroup)\nMessages: 5');
    expect(await bot.cache.getChatSettings(GROUP.chatId)).toEqual({});
  });

  it('keeps what its users had remembered, for each when they next write', async () => {
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await bot.say('/recall tea', { ...SUPERGROUP, userId: 1 })).toBe('tea = Oolong');
    await bot.restart();
    const overlapping = ['/remember cake none', '/recall tea', '/remember milk a little'];
    await Promise.all(overlapping.map((text) => bot.say(text, { ...SUPERGROUP, userId: 2 })));
    expect(await bot.say('/recall', { ...SUPERGROUP, userId: 2 })).toBe(
      'cake = none\nmilk = a little\ntea = Assam',
    );
    expect(await bot.say('/recall', { ...SUPERGROUP, userId: 3 })).toContain('nothing for you');
  });

  it('is moved once, though both chats announce it', async () => {
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    await bot.say('/set city Berlin', SUPERGROUP);
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await bot.say('/settings', SUPERGROUP)).toBe('city = Berlin\nlanguage = German');
  });

  it('keeps the settings of both where the supergroup has some; of one setting that of the supergroup', async () => {
    await bot.say('/set city Berlin', SUPERGROUP);
    await bot.say('/set language French', SUPERGROUP);
    await bot.say('/set tea Assam', GROUP);
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await bot.say('/settings', SUPERGROUP)).toBe('city = Berlin\nlanguage = French\ntea = Assam');
    expect(await bot.say('/info', SUPERGROUP)).toContain('Messages: 8');
  });

  it('keeps what a user had remembered in both; of one thing that of the supergroup', async () => {
    await bot.say('/remember cake none', { ...GROUP, userId: 1 });
    await bot.say('/remember tea Darjeeling', { ...SUPERGROUP, userId: 1 });
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await bot.say('/recall', { ...SUPERGROUP, userId: 1 })).toBe('cake = none\ntea = Darjeeling');
  });

  it('keeps what its users had remembered where nothing is known of the chat itself', async () => {
    await bot.cache.chats.delete(GROUP.chatId);
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await bot.say('/recall tea', { ...SUPERGROUP, userId: 1 })).toBe('tea = Oolong');
  });

  it('takes a message of the old group that is delivered again for one of the supergroup', async () => {
    await bot.say('/remember cake none', { ...GROUP, userId: 1, update: 1 });
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    await bot.say('/forget cake', { ...SUPERGROUP, userId: 1, update: 2 });
    expect(await bot.say('/remember cake none', { ...GROUP, userId: 1, update: 1 })).toBe('');
    expect(await bot.say('/recall', { ...SUPERGROUP, userId: 1, update: 3 })).toBe('tea = Oolong');
    expect(await bot.say('/recall', { ...GROUP, userId: 1, update: 4 })).toBe('tea = Oolong');
  });

  it('keeps what the group itself had remembered, in whose name its administrators write', async () => {
    await bot.say('/remember tea Sencha', { ...GROUP, userId: GROUP.chatId });
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await bot.say('/recall tea', { ...SUPERGROUP, userId: SUPERGROUP.chatId })).toBe('tea = Sencha');
  });
});

describe('the move of a chat', () => {
  const silent = { checkpointIntervalMs: false as const };

  it('is in the database when it is done', async () => {
    const storage = new InMemoryStorage();
    const bot = await new TestBot(storage, silent).start();
    await bot.say('/set language German', GROUP);
    expect(await storage.read('chats', ['-5', '-1005'])).toEqual([]);
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    const rows = await storage.read('chats', ['-5', '-1005']);
    expect(rows.map(({ value }) => JSON.parse(value) as unknown)).toEqual([
      { info: { migratedTo: -1005 } },
      expect.objectContaining({ settings: { language: 'German' } }),
    ]);
    await bot.stop();
  });

  it('rejects while the database can’t take it, and can be done again', async () => {
    const storage = new ChaosStorage(new InMemoryStorage());
    const bot = await new TestBot(storage, silent).start();
    await bot.say('/set language German', GROUP);
    storage.down = new ChaosError('transient');
    const move = () => bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    await expect(move()).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    await expect(move()).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    storage.down = undefined;
    await move();
    expect(await bot.say('/settings', SUPERGROUP)).toBe('language = German');
    expect(await bot.say('/info', SUPERGROUP)).toContain('Messages: 3');
    await bot.stop();
  });

  it('is not kept by an entry of another chat that the database refuses', async () => {
    const storage = new ChaosStorage(new InMemoryStorage());
    const bot = await new TestBot(storage, silent).start();
    await bot.say('/set language German', GROUP);
    await bot.say('/set language German', { chatId: -9 });
    storage.poison.add('-9');
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await storage.read('chats', ['-1005'])).toHaveLength(1);
    storage.poison.clear();
    await bot.stop();
  });

  it('that a crash cut in two goes on where it was', async () => {
    const storage = new InMemoryStorage();
    const old = { settings: { language: 'German', tea: 'Oolong' }, info: { messages: 5 } };
    // Moved, and then changed, when the old record had not gone yet.
    const moved = { settings: { language: 'German' }, info: { messages: 6, migratedFrom: -5 } };
    const puts = [
      { key: '-5', value: JSON.stringify(old), expiresAt: null },
      { key: '-1005', value: JSON.stringify(moved), expiresAt: null },
    ];
    await writeChanges(storage, [{ namespace: 'chats', puts }], Date.now());
    const bot = await new TestBot(storage, silent).start();
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await bot.cache.chats.get(SUPERGROUP.chatId)).toEqual(moved);
    expect(await bot.cache.chats.get(GROUP.chatId)).toEqual({ info: { migratedTo: -1005 } });
    await bot.stop();
  });
});
