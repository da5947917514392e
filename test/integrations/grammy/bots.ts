import { Bot, enhanceStorage, lazySession, session, type Context, type StorageAdapter } from 'grammy';
import type { Enhance, LazySessionFlavor, SessionFlavor } from 'grammy';
import type { Update, UserFromGetMe } from 'grammy/types';
import { session as telegrafSession, Telegraf, type Context as TelegrafContext } from 'telegraf';
import { message } from 'telegraf/filters';
import type { DurableBotSessions } from '../../../src/integrations/grammy/index.js';

/** What the bots here remember of a chat. */
export interface Visits {
  count: number;
  /** Changed in place. */
  texts: string[];
}

export const newVisits = (): Visits => ({ count: 0, texts: [] });

const TOKEN = '42:a-secret-token';
// What getMe would give: with it a bot asks nothing of Telegram.
export const ME = {
  id: 42,
  is_bot: true,
  first_name: 'Gromozeka',
  username: 'GromozekaBot',
  can_join_groups: true,
  can_read_all_group_messages: false,
  supports_inline_queries: false,
  can_connect_to_business: false,
  has_main_web_app: false,
} as UserFromGetMe;

let updates = 0;

/** An update as Telegram sends it when somebody writes. */
export function update(text: string, chatId: number): Update {
  updates += 1;
  const chat = { id: chatId, type: 'private', first_name: 'Alice' } as const;
  const from = { id: chatId, is_bot: false, first_name: 'Alice' };
  return { update_id: updates, message: { message_id: updates, date: 0, chat, from, text } };
}

/** Somebody who writes to a bot. */
export interface Conversation {
  /**
   * Resolves when the bot has handled the message, with what the handler has seen of the session. The handler waits for `meanwhile` when
   * it is done with that.
   */
  say(text: string, chatId?: number, meanwhile?: () => Promise<unknown>): Promise<Visits>;
}

/** What the handler of an update waits for, by the id of the update. */
const waits = new Map<number, () => Promise<unknown>>();

/** An update whose handler waits for `meanwhile`. */
function updateWith(text: string, chatId: number, meanwhile?: () => Promise<unknown>): Update {
  const made = update(text, chatId);
  if (meanwhile !== undefined) waits.set(made.update_id, meanwhile);
  return made;
}

/** Counts a message in the session of its chat; `look` leaves that alone, `forget` drops it, and at `fail` the handler throws. */
function handle(context: { session?: Visits }, text: string): Visits {
  const visits = context.session as Visits;
  if (text === 'look') return { ...visits };
  visits.count += 1;
  visits.texts.push(text);
  if (text === 'fail') throw new Error('in the handler');
  const seen = { count: visits.count, texts: [...visits.texts] };
  if (text === 'forget') Object.assign(context, { session: undefined });
  return seen;
}

type Sessions = DurableBotSessions<Visits>;

function conversationWith<C extends Context>(bot: Bot<C>, answer: (context: C) => Visits | Promise<Visits>) {
  let seen = newVisits();
  bot.on('message:text', async (context) => {
    seen = await answer(context);
    await waits.get(context.update.update_id)?.();
  });
  return {
    async say(text: string, chatId = 7, meanwhile?: () => Promise<unknown>) {
      await bot.handleUpdate(updateWith(text, chatId, meanwhile));
      return seen;
    },
  };
}

function grammyBot(storage: StorageAdapter<Visits>): Conversation {
  const bot = new Bot<Context & SessionFlavor<Visits>>(TOKEN, { botInfo: ME });
  bot.use(session({ initial: newVisits, storage }));
  return conversationWith(bot, (context) => handle(context, context.msg?.text ?? ''));
}

export function lazyGrammyBot(storage: Sessions): Conversation {
  const bot = new Bot<Context & LazySessionFlavor<Visits>>(TOKEN, { botInfo: ME });
  bot.use(lazySession({ initial: newVisits, storage }));
  return conversationWith(bot, async (context) => {
    if (context.msg?.text === 'nothing') return newVisits();
    // oxlint-disable-next-line typescript/await-thenable -- a promise at the first access alone
    return handle({ session: await context.session }, context.msg?.text ?? '');
  });
}

/** One namespace for the visits, another one for the language. */
export function multiGrammyBot(visits: Sessions, language: StorageAdapter<string>): Conversation {
  type Multi = Context & SessionFlavor<{ visits: Visits; language: string }>;
  const bot = new Bot<Multi>(TOKEN, { botInfo: ME });
  bot.use(
    session({
      type: 'multi',
      visits: { initial: newVisits, storage: visits },
      language: { initial: () => 'en', storage: language, getSessionKey: ({ from }) => from?.id.toString() },
    }),
  );
  return conversationWith(bot, (context) => {
    const text = context.msg?.text ?? '';
    if (/^..$/.test(text)) context.session.language = text;
    return { ...handle({ session: context.session.visits }, text), texts: [context.session.language] };
  });
}

export function enhancedGrammyBot(
  storage: StorageAdapter<Enhance<Visits>>,
  options: Omit<Parameters<typeof enhanceStorage<Visits>>[0], 'storage'>,
): Conversation {
  return grammyBot(enhanceStorage<Visits>({ storage, ...options }));
}

function telegrafBot(store: Sessions): Conversation {
  interface VisitsContext extends TelegrafContext {
    session: Visits;
  }
  const bot = new Telegraf<VisitsContext>(TOKEN);
  bot.botInfo = ME;
  bot.use(telegrafSession({ store, defaultSession: newVisits, getSessionKey: ({ chat }) => `${chat?.id}` }));
  let seen = newVisits();
  bot.on(message('text'), async (context) => {
    seen = handle(context, context.message.text);
    await waits.get(context.update.update_id)?.();
  });
  bot.catch((error) => {
    throw error;
  });
  return {
    async say(text, chatId = 7, meanwhile) {
      const made = updateWith(text, chatId, meanwhile);
      await bot.handleUpdate(made as Parameters<typeof bot.handleUpdate>[0]);
      return seen;
    },
  };
}

export const BOTS: readonly {
  readonly name: string;
  readonly newBot: (sessions: Sessions) => Conversation;
}[] = [
  { name: 'grammY', newBot: grammyBot },
  { name: 'Telegraf', newBot: telegrafBot },
];
