import { join } from 'node:path';
import {
  conversations,
  createConversation,
  type Conversation,
  type ConversationData,
  type ConversationFlavor,
  type VersionedState,
} from '@grammyjs/conversations';
import { Bot, type Context } from 'grammy';
import type { INestApplicationContext } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CacheModule,
  CacheService,
  InMemoryStorage,
  json,
  type CacheModuleOptions,
} from '../../../src/index.js';
import { FaultyStorage } from '../../../src/testing/index.js';
import { botSessionNamespace, DurableBotSessions } from '../../../src/integrations/grammy/index.js';
import { FakeBotApi } from '../../e2e/support/fake-bot-api.js';
import { startApp } from '../../support/nest-app.js';
import { SHOP_DATABASES } from '../../support/shops.js';
import { tempFolder } from '../../support/temp-folder.js';
import { ME, update } from './bots.js';

type TalkContext = ConversationFlavor<Context>;

// As the page declares it.
const talks = botSessionNamespace<VersionedState<ConversationData>>({
  name: 'talks',
  value: json<VersionedState<ConversationData>>({ unchecked: true }),
});

const folder = tempFolder();
let files = 0;
let api: FakeBotApi;
const open = new Set<INestApplicationContext>();

beforeEach(async () => {
  api = await new FakeBotApi().start();
});

afterEach(async () => {
  for (const app of open) await app.close();
  open.clear();
  api.stop();
});

/** How often the part of a conversation ran whose outcome is kept. */
let drawn = 0;

/** Asks for a name and a number, and draws something once, whatever is replayed. */
async function order(conversation: Conversation<TalkContext>, context: Context): Promise<void> {
  await context.reply('Who are you?');
  const { message } = await conversation.waitFor('message:text');
  const table = await conversation.external(() => (drawn += 1));
  await context.reply(`How many cups, ${message.text}?`);
  const cups = await conversation.form.number();
  await context.reply(`${cups} for ${message.text} at table ${table}.`);
}

interface Talk {
  /** Resolves when the bot has handled the message, with what it has answered. */
  say(text: string, chatId?: number): Promise<string[]>;
  readonly stored: () => Promise<number>;
  readonly dirty: () => number | undefined;
  close(): Promise<void>;
}

async function startTalk(options: CacheModuleOptions, version = 0): Promise<Talk> {
  const app = await startApp([
    CacheModule.forRoot({ namespaces: [talks], chatNamespaces: false, ...options }),
  ]);
  open.add(app);
  const rows = app.get(CacheService).namespace(talks);
  const { TELEGRAM_API_ROOT: apiRoot, TELEGRAM_BOT_TOKEN: token } = api.variables;
  const bot = new Bot<TalkContext>(token, { botInfo: ME, client: { apiRoot } });
  const adapter = new DurableBotSessions(rows);
  bot.use(conversations({ storage: version === 0 ? adapter : { type: 'key', version, adapter } }));
  bot.hears('leave', (context) => context.conversation.exitAll());
  bot.use(createConversation(order));
  bot.hears('order', (context) => context.conversation.enter('order'));
  return {
    async say(text, chatId = 7) {
      const before = api.sent.length;
      await bot.handleUpdate(update(text, chatId));
      return api.sent.slice(before).map((message) => message.text);
    },
    stored: () => rows.count(),
    dirty: () => rows.stats().dirty,
    async close() {
      open.delete(app);
      await app.close();
    },
  };
}

const newFile = (): CacheModuleOptions => ({
  storage: { type: 'better-sqlite3', database: join(folder, `${(files += 1)}.sqlite`) },
});

describe('a conversation of grammY', () => {
  it('goes on where it was after each restart, and leaves no row behind', async () => {
    const cache = newFile();
    const first = await startTalk(cache);
    expect(await first.say('order')).toEqual(['Who are you?']);
    expect(await first.say('order', 8)).toEqual(['Who are you?']);
    expect(first.dirty()).toBe(0);
    await first.close();
    const second = await startTalk(cache);
    expect(await second.say('Ada')).toEqual(['How many cups, Ada?']);
    const table = drawn;
    await second.close();
    const third = await startTalk(cache);
    expect(await third.say('many')).toEqual([]);
    expect(await third.say('3')).toEqual([`3 for Ada at table ${table}.`]);
    expect(await third.stored()).toBe(1);
    expect(await third.say('Bob', 8)).toEqual(['How many cups, Bob?']);
    expect(await third.say('2', 8)).toEqual([`2 for Bob at table ${table + 1}.`]);
    expect(await third.stored()).toBe(0);
    expect(await third.say('hello')).toEqual([]);
  });

  it('is over when somebody leaves it, after a restart too', async () => {
    const cache = newFile();
    const first = await startTalk(cache);
    await first.say('order');
    await first.close();
    const second = await startTalk(cache);
    await second.say('leave');
    expect(await second.stored()).toBe(0);
    expect(await second.say('Ada')).toEqual([]);
  });

  it('is over where its storage has another version', async () => {
    const cache = newFile();
    const first = await startTalk(cache);
    await first.say('order');
    await first.close();
    const second = await startTalk(cache, 1);
    expect(await second.say('Ada')).toEqual([]);
    expect(await second.say('order')).toEqual(['Who are you?']);
    expect(await second.say('Ada')).toEqual(['How many cups, Ada?']);
  });

  it('rejects while the database is away, and goes on when it is back', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const talk = await startTalk({ storage, writeTimeoutMs: 50 });
    await talk.say('order');
    storage.failWrites(Infinity);
    await expect(talk.say('Ada')).rejects.toThrow('The database could not be written to');
    storage.heal();
    // It had answered already.
    expect(api.sent.map(({ text }) => text)).toEqual(['Who are you?', 'How many cups, Ada?']);
    expect(await talk.say('Ada')).toEqual(['How many cups, Ada?']);
  });

  it.each(SHOP_DATABASES)(
    'goes on in whichever instance is sent the next update ($name)',
    async ({ newStorage }) => {
      const cache = { storage: await newStorage(), instances: 'many', backplane: false } as const;
      const [one, other] = [await startTalk(cache), await startTalk(cache)];
      expect(await one.say('order')).toEqual(['Who are you?']);
      expect(await other.say('Ada')).toEqual(['How many cups, Ada?']);
      const table = drawn;
      expect(await one.say('3')).toEqual([`3 for Ada at table ${table}.`]);
      expect(await other.say('4')).toEqual([]);
    },
  );
});
