import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { BotProcess } from './support/bot-process.js';
import { Counting } from './support/counting.js';
import { FakeBotApi } from './support/fake-bot-api.js';
import { PageClient } from './support/page-client.js';
import { GROUP } from './support/telegram-world.js';

/** The default of the cache. */
const MAX_STALE_MS = 2000;
/** Between two questions of one who asks again and again, ms. */
const PACE_MS = 5;

const folder = tempFolder();
const [postgres, mariadb] = await Promise.all([postgresServer(), mariadbServer()]);

/** A page, and the process that serves it. */
interface Served {
  readonly bot: BotProcess;
  readonly client: PageClient;
}

const databases = [
  {
    name: 'PostgreSQL',
    isThere: postgres !== undefined,
    place: async () => ({ DATABASE_URL: (await postgres?.newDatabase()) ?? '' }),
  },
  {
    name: 'MariaDB',
    isThere: mariadb !== undefined,
    place: async () => ({ DATABASE_URL: (await mariadb?.newDatabase()) ?? '' }),
  },
  {
    name: 'a SQLite file',
    isThere: true,
    place: async () => ({ CACHE_DATABASE: `${folder}/shared.sqlite` }),
  },
].filter(({ isThere }) => isThere);

describe.each(databases)('two bots on $name, one on Telegram and one on its page', ({ place }) => {
  let api: FakeBotApi;
  let variables: Record<string, string>;
  let telegram: BotProcess;
  /** The page that people are led to; while there is none, the one that comes. */
  let page: Promise<Served>;
  const bots: BotProcess[] = [];
  const over = new AbortController();

  beforeEach(async () => {
    api = await new FakeBotApi().start();
    variables = { ...(await place()), CACHE_INSTANCES: 'many' };
    await startTelegram();
    page = servePage();
    await page;
  });

  afterEach(() => {
    over.abort();
    for (const bot of bots) bot.end();
    api.stop();
  });

  function start(more: Record<string, string> = {}): BotProcess {
    const bot = new BotProcess(folder, { ...variables, ...more });
    bots.push(bot);
    return bot;
  }

  async function startTelegram(): Promise<void> {
    telegram = start(api.variables);
    await telegram.prints(/Listening as @GromozekaBot/);
  }

  async function servePage(): Promise<Served> {
    const bot = start();
    return { bot, client: await PageClient.of(bot) };
  }

  async function end(bot: BotProcess, signal: NodeJS.Signals): Promise<void> {
    const { code } = await bot.stop(signal);
    expect(bot.output).not.toMatch(/ERROR|FATAL/);
    expect(code).toBe(signal === 'SIGKILL' ? null : 0);
  }

  async function restartTelegram(signal: NodeJS.Signals): Promise<void> {
    await end(telegram, signal);
    await startTelegram();
  }

  /** The new one starts beside the old one, and people are led to it before that stops. */
  async function rollPage(): Promise<void> {
    const { bot: old } = await page;
    const next = await servePage();
    page = Promise.resolve(next);
    await end(old, 'SIGTERM');
  }

  async function killPage(): Promise<void> {
    const { bot } = await page;
    await end(bot, 'SIGKILL');
    page = servePage();
    await page;
  }

  /** A user counts in the group, as fast as the bot answers. */
  async function countOnTelegram(counting: Counting, userId: number): Promise<void> {
    while (!over.signal.aborted) {
      const n = (counting.said += 1);
      api.write([`/remember ${counting.key} ${n}`], GROUP, userId);
      await api.answer(`I’ll remember: ${counting.key} = ${n}`);
      counting.acknowledge(n, telegram);
    }
  }

  /** A user counts on the page. What a process that ends does not answer is not known to be remembered. */
  async function countOnPage(counting: Counting, userId: number): Promise<void> {
    while (!over.signal.aborted) {
      const { client, bot } = await page;
      const n = (counting.said += 1);
      const answer = await client.say(`/remember ${counting.key} ${n}`, from(userId)).catch(() => undefined);
      if (answer === `I’ll remember: ${counting.key} = ${n}`) counting.acknowledge(n, bot);
      await delay(PACE_MS);
    }
  }

  /** The page is asked for all of them again and again. */
  async function watch(countings: readonly [Counting, number][]): Promise<void> {
    while (!over.signal.aborted) {
      for (const [counting, userId] of countings) {
        const { client, bot } = await page;
        const askedAt = performance.now();
        const answer = await client.say(`/recall ${counting.key}`, from(userId)).catch(() => undefined);
        if (answer !== undefined) counting.told(numberIn(answer), bot, askedAt);
      }
      await delay(PACE_MS);
    }
  }

  /** Resolves when each of them has gone on for a while. */
  async function progress(countings: readonly Counting[]): Promise<void> {
    const answered = countings.map(({ acknowledged }) => acknowledged);
    const asked = countings.map(({ lags }) => lags.length);
    const goOn = (counting: Counting, i: number): boolean =>
      counting.acknowledged > (answered[i] ?? 0) + 10 && counting.lags.length > (asked[i] ?? 0) + 10;
    await expect.poll(() => countings.every(goOn), { timeout: 20_000 }).toBe(true);
  }

  it(
    'lose nothing and show nothing old while they are restarted one after the other, or killed',
    { timeout: 240_000 },
    async () => {
      const onTelegram = [new Counting('a', MAX_STALE_MS), new Counting('b', MAX_STALE_MS)];
      const onPage = [new Counting('c', MAX_STALE_MS), new Counting('d', MAX_STALE_MS)];
      const all = [...onTelegram, ...onPage];
      const users = all.map((counting, i): [Counting, number] => [counting, i + 1]);
      const talks = Promise.all([
        ...users.map(([counting, userId]) =>
          onTelegram.includes(counting) ? countOnTelegram(counting, userId) : countOnPage(counting, userId),
        ),
        watch(users),
      ]);
      // A bot that does not start fails the test where it is started.
      talks.catch(() => undefined);

      for (const setting of ['language = German', 'language = French']) {
        await progress(all);
        api.write([`/set ${setting.replace(' =', '')}`], GROUP);
        await api.answer(`Set: ${setting}`);
        await restartTelegram('SIGTERM');
        await progress(all);
        await rollPage();
        // It was in memory alone before the stop, while the other one has changed the record of the same chat.
        expect(await (await page).client.say('/settings', from(1))).toBe(setting);
      }
      for (const kill of [killPage, () => restartTelegram('SIGKILL')]) {
        await progress(all);
        await kill();
      }
      await progress(all);

      over.abort();
      // Who waits for an answer gets it.
      await talks;
      expect(all.flatMap(({ faults }) => faults.slice(0, 5))).toEqual([]);
      const { client } = await page;
      for (const [counting, userId] of users) {
        const told = async (): Promise<number> =>
          numberIn(await client.say(`/recall ${counting.key}`, from(userId)));
        // The last numbers that Telegram's bot has taken show here a little later.
        await expect.poll(told, { timeout: MAX_STALE_MS }).toBeGreaterThanOrEqual(counting.acknowledged);
        expect(await told()).toBeLessThanOrEqual(counting.said);
      }
      await api.queue.confirmedBut(0);
    },
  );
});

function from(userId: number): { chatId: number; userId: number } {
  return { chatId: GROUP.id, userId };
}

function numberIn(answer: string): number {
  return Number(/ = (\d+)$/.exec(answer)?.[1] ?? 0);
}
