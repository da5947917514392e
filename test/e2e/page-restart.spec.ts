import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { BotProcess, defaultDatabase } from './support/bot-process.js';
import { PageClient } from './support/page-client.js';

const folder = tempFolder();

describe('the bot on its page', () => {
  let bot: BotProcess | undefined;
  afterEach(() => bot?.end());

  async function start(where = folder, variables: Record<string, string> = {}): Promise<PageClient> {
    bot = new BotProcess(where, variables);
    return PageClient.of(bot);
  }

  async function stop(signal?: NodeJS.Signals): Promise<void> {
    const { code, ms } = (await bot?.stop(signal)) ?? {};
    expect(code).toBe(0);
    expect(ms).toBeLessThan(5000);
  }

  it('has after a restart what it should have, and nothing else', async () => {
    let page = await start();
    await page.say('/set language German');
    await page.say('/set city Berlin');
    await page.say('/unset city');
    await page.say('/remember tea Oolong');
    await page.say('/remember cake none');
    await page.say('/forget cake');
    await page.say('/remember __proto__ data');
    expect(await page.say('/primes 100000')).toContain('9592 primes below 100000 (computed in');
    await page.say('/configure');
    await page.say('language');
    await stop('SIGTERM');
    expect(existsSync(defaultDatabase(folder))).toBe(true);

    page = await start();
    expect(await page.say('French')).toBe('');
    expect(await page.say('/settings')).toBe('language = German');
    expect(await page.say('/recall')).toBe('__proto__ = data\ntea = Oolong');
    expect(await page.say('/info')).toContain('Messages: 14');
    expect(await page.say('/primes 100000')).toContain('9592 primes below 100000 (from the cache');
    expect(await page.say('/cancel')).toBe('I was not asking.');
    await page.say('/forget tea');
    await stop('SIGINT');

    page = await start();
    expect(await page.say('/recall')).toBe('__proto__ = data');
    expect(await page.say('/settings')).toBe('language = German');
    await stop();
  });

  it('has everything it said yes to, when it is stopped among many messages', async () => {
    const where = join(folder, 'busy');
    const variables = { CACHE_DATABASE: join(where, 'cache.sqlite') };
    const page = await start(folder, variables);
    const acknowledged: string[] = [];
    const said = Array.from({ length: 200 }, async (_, i) => {
      const key = `key${i}`;
      await page.say(`/${i % 2 === 0 ? 'set' : 'remember'} ${key} value`, { chatId: -1 - (i % 10) });
      acknowledged.push(key);
      if (acknowledged.length === 50) bot?.kill('SIGTERM');
    });
    await Promise.allSettled(said);
    expect((await bot?.ended)?.code).toBe(0);
    expect(acknowledged.length).toBeGreaterThanOrEqual(50);

    const again = await start(folder, variables);
    const known: string[] = [];
    for (let chat = 0; chat < 10; chat += 1) {
      const from = { chatId: -1 - chat };
      known.push(...(await again.say('/settings', from)).split('\n'));
      known.push(...(await again.say('/recall', from)).split('\n'));
    }
    const keys = new Set(known.map((line) => line.split(' ')[0]));
    expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
    await stop();
  });

  it('takes the Ctrl-C that npm and nest pass on for the one that it is', async () => {
    const page = await start();
    await page.say('/set echo heard');
    bot?.kill('SIGINT');
    bot?.kill('SIGINT');
    await stop('SIGINT');
    const again = await start();
    expect(await again.say('/settings')).toContain('echo = heard');
    await stop();
  });

  it('says in one line that its port is taken, and ends', async () => {
    const { port } = await start();
    const second = new BotProcess(folder, { PORT: String(port), CACHE_DATABASE: 'data/other.sqlite' });
    const { code, output } = await second.ended;
    expect(code).toBe(1);
    expect(output.match(/.*ERROR.*/g)).toEqual([expect.stringContaining(`Port ${port} is in use.`)]);
    await stop();
  });

  it('says what is wrong with its environment, and ends', async () => {
    const { code, output } = await new BotProcess(folder, { PORT: 'x' }).ended;
    expect(code).toBe(1);
    expect(output).toMatch(/^.*ERROR.*PORT must be a whole number.*\n$/);
  });
});
