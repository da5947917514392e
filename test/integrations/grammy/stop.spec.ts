import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { Bot, session, type Context, type SessionFlavor } from 'grammy';
import { session as telegrafSession, Telegraf, type Context as TelegrafContext } from 'telegraf';
import { message } from 'telegraf/filters';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CacheModule, CacheService, InMemoryStorage } from '../../../src/index.js';
import { botSessionNamespace, DurableBotSessions } from '../../../src/integrations/grammy/index.js';
import { FakeBotApi } from '../../e2e/support/fake-bot-api.js';
import { settle } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { startApp } from '../../support/nest-app.js';
import { tempFolder } from '../../support/temp-folder.js';

interface Basket {
  items: string[];
}

/** A bot that puts each text into the basket of the chat, calls `handling`, and waits for `handled`. */
interface BasketBot {
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Given {
  readonly sessions: DurableBotSessions<Basket>;
  readonly apiRoot: string;
  readonly handling: Gate;
  readonly handled: Gate;
}

const baskets = botSessionNamespace<Basket>({ name: 'baskets' });
const newBasket = (): Basket => ({ items: [] });
const folder = tempFolder();

function grammyBot({ sessions, apiRoot, handling, handled }: Given): BasketBot {
  const bot = new Bot<Context & SessionFlavor<Basket>>(FakeBotApi.TOKEN, { client: { apiRoot } });
  bot.use(session({ initial: newBasket, storage: sessions }));
  bot.on('message:text', async (context) => {
    context.session.items.push(context.msg.text);
    handling.open();
    await handled.opened;
  });
  return { start: () => bot.start(), stop: () => bot.stop() };
}

function telegrafBot({ sessions, apiRoot, handling, handled }: Given): BasketBot {
  const bot = new Telegraf<TelegrafContext & { session: Basket }>(FakeBotApi.TOKEN, {
    telegram: { apiRoot },
  });
  bot.use(telegrafSession({ store: sessions, defaultSession: newBasket }));
  bot.on(message('text'), async (context) => {
    context.session.items.push(context.message.text);
    handling.open();
    await handled.opened;
  });
  return { start: () => bot.launch(), stop: () => Promise.resolve(bot.stop()) };
}

/** A service that runs a bot as `docs/grammy.md` shows it. */
class BotService implements OnApplicationBootstrap, OnModuleDestroy {
  #running: Promise<void> | undefined;

  constructor(
    private readonly bot: BasketBot,
    private readonly stopped: Gate,
  ) {}

  onApplicationBootstrap(): void {
    this.#running = this.bot.start().catch(() => void process.kill(process.pid, 'SIGTERM'));
  }

  async onModuleDestroy(): Promise<void> {
    let stopped: Promise<void>;
    try {
      stopped = this.bot.stop().finally(() => this.stopped.open());
    } catch {
      return;
    }
    await Promise.race([
      Promise.allSettled([stopped, this.#running]),
      setTimeout(5000, undefined, { ref: false }),
    ]);
  }
}

describe.each([
  { name: 'grammY', newBot: grammyBot },
  { name: 'Telegraf', newBot: telegrafBot },
])('a bot of $name that is stopped as the docs show it', ({ name, newBot }) => {
  it.each([
    ['its token', 401, 'getMe'],
    ['its call for updates, since another one polls', 409, 'getUpdates'],
  ])('stops its application in order where Telegram refuses %s', async (_what, status, refused) => {
    const api = await new FakeBotApi().start();
    onTestFinished(() => api.stop());
    api.faults = (method) => (method === refused ? { status } : undefined);
    const signalled = new Gate();
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      signalled.open();
      return true;
    });
    onTestFinished(() => kill.mockRestore());
    const apiRoot = api.variables.TELEGRAM_API_ROOT;
    const storage = new InMemoryStorage();
    const app = await startApp([CacheModule.forRoot({ storage, namespaces: [baskets] })]);
    const sessions = new DurableBotSessions(app.get(CacheService).namespace(baskets));
    const bot = newBot({ sessions, apiRoot, handling: new Gate(), handled: new Gate() });
    const service = new BotService(bot, new Gate());
    service.onApplicationBootstrap();
    await signalled.opened;
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGTERM');
    await service.onModuleDestroy();
    await app.close();
  });

  it('stores what the update in hand has changed, which Telegram does not send again', async () => {
    const api = await new FakeBotApi().start();
    onTestFinished(() => api.stop());
    const storage = { type: 'better-sqlite3', database: join(folder, `${name}.sqlite`) } as const;
    const cacheModule = CacheModule.forRoot({ storage, namespaces: [baskets], chatNamespaces: false });
    const [handling, handled, stopped] = [new Gate(), new Gate(), new Gate()];
    const apiRoot = api.variables.TELEGRAM_API_ROOT;
    class BotModule {}
    const app = await startApp([
      cacheModule,
      {
        module: BotModule,
        providers: [
          {
            provide: BotService,
            inject: [CacheService],
            useFactory: (cache: CacheService) => {
              const sessions = new DurableBotSessions(cache.namespace(baskets));
              return new BotService(newBot({ sessions, apiRoot, handling, handled }), stopped);
            },
          },
        ],
      },
    ]);
    api.write(['tea'], { id: 7, type: 'private' });
    await handling.opened;
    const closed = app.close();
    await stopped.opened;
    // An application that did not wait would have stopped its cache by now, or stops it at any moment.
    await settle(200);
    handled.open();
    await closed;
    expect(api.queue.unconfirmed).toBe(0);
    const again = await startApp([cacheModule]);
    const stored = again.get(CacheService).namespace(baskets);
    expect(await stored.get(name === 'grammY' ? '7' : '7:7')).toEqual({ items: ['tea'] });
    await again.close();
  });
});
