import { afterAll, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { BotProcess } from './support/bot-process.js';
import { PageClient } from './support/page-client.js';

const bot = new BotProcess(tempFolder());
afterAll(() => bot.end());

it('The page shows figures that the cache has', async () => {
  const client = await PageClient.of(bot);
  const { body: page } = await client.ask('GET', '/');
  const [, list = ''] = /const labels = \[(.*?)\]/s.exec(page) ?? [];
  const labels = Array.from(list.matchAll(/'(\w+)'/g), ([, label]) => label);
  expect(labels).toContain('dirty');

  const { body } = await client.ask('GET', '/api/stats');
  const stats = JSON.parse(body) as Record<string, Record<string, unknown>>;
  expect(Object.keys(stats)).toContain('chats');
  for (const [name, figures] of Object.entries(stats))
    for (const label of labels) expect(typeof figures[label ?? ''], `${name}: ${label}`).toBe('number');
  await bot.stop();
});
