import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BotProcess } from '../e2e/support/bot-process.js';
import { PageClient } from '../e2e/support/page-client.js';
import { PHONE, testBrowser } from '../support/browser.js';
import { tempFolder } from '../support/temp-folder.js';
import { violationsOf } from './support/accessibility.js';
import { Front } from './support/front.js';
import { brightnessOf, focused, overhangOf, showsFocus, stickingOut } from './support/layout.js';

const browser = testBrowser();

describe.skipIf(browser === undefined)('The page of the bot, in a browser', () => {
  const folder = tempFolder();
  const otherFolder = tempFolder();
  const front = new Front();
  let bot: BotProcess;
  let port: number;
  beforeAll(async () => {
    bot = new BotProcess(folder);
    ({ port } = await PageClient.of(bot));
  });
  afterAll(() => bot.end());

  const open = async (options?: BrowserContextOptions): Promise<Page> => {
    const page = await browser!.open(`http://localhost:${port}`, options);
    await page.getByText('Figures since the bot was started.').waitFor({ state: 'attached' });
    return page;
  };

  /** The figure of a namespace, as the page shows it. */
  const figure = (page: Page, namespace: string, label: string) =>
    page.locator('.namespace', { hasText: namespace }).locator(`div:has(dt:text-is("${label}")) dd`);

  it('answers what is written, and shows what that did to the cache', async () => {
    const page = await open();
    const before = Number(await figure(page, 'chatUsers', 'written').textContent());
    await page.getByLabel('Message').fill('/remember tea Oolong');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.locator('.answered', { hasText: 'tea = Oolong' }).waitFor();
    await figure(page, 'chatUsers', 'written')
      .filter({ hasText: String(before + 1) })
      .waitFor();
  });

  it('shows what was written as text, whatever it looks like', async () => {
    const page = await open();
    await page.getByLabel('Message').fill('/remember html <img src=x onerror=alert(1)>');
    await page.keyboard.press('Enter');
    await page.locator('.answered', { hasText: '<img src=x onerror=alert(1)>' }).waitFor();
    expect(await page.locator('#log img').count()).toBe(0);
  });

  it('keeps the conversations of chats apart', async () => {
    const page = await open();
    await page.getByRole('button', { name: '/help', exact: true }).click();
    await page.locator('.answered').waitFor();
    await page.locator('#chat').selectOption('Private chat');
    expect(await page.locator('.answered').count()).toBe(0);
    await page.locator('#chat').selectOption('Tea club');
    expect(await page.locator('.answered').count()).toBe(1);
  });

  it('can be used with the keyboard alone', async () => {
    const page = await open();
    const reached: string[] = [];
    for (;;) {
      await page.keyboard.press('Tab');
      const name = await focused(page);
      if (name.startsWith('body') || reached.includes(name)) break;
      expect(await showsFocus(page), name).toBe(true);
      reached.push(name);
    }
    expect(reached).toEqual(
      expect.arrayContaining(
        ['select Chat', 'select As', 'button /help', 'input Message', 'button Send'].map(
          (name) => expect.stringContaining(name) as string,
        ),
      ),
    );
    await page.getByLabel('Message').focus();
    await page.keyboard.type('/set language German');
    await page.keyboard.press('Enter');
    await page.locator('.answered', { hasText: 'German' }).waitFor();
    expect(await focused(page)).toContain('Message');
  });

  it('keeps what is being written when the figures are read anew', async () => {
    const page = await open();
    await page.getByLabel('Message').fill('not finished');
    await page.waitForResponse('**/api/stats');
    await page.waitForResponse('**/api/stats');
    expect(await page.getByLabel('Message').inputValue()).toBe('not finished');
    expect(await focused(page)).toContain('Message');
  });

  it('fits on a phone without scrolling sideways', async () => {
    const page = await open({ viewport: PHONE, hasTouch: true });
    for (const idea of ['/help', '/stats', '/remember tea Oolong']) {
      await page.getByRole('button', { name: idea, exact: true }).tap();
      await page.locator('.answered').last().waitFor();
    }
    expect(await overhangOf(page)).toBe(0);
    expect(await stickingOut(page)).toEqual([]);
    await page.getByLabel('Message').fill('/recall');
    await page.getByRole('button', { name: 'Send' }).tap();
    await page.locator('.answered', { hasText: 'Oolong' }).last().waitFor();
  });

  it('is dark where the system is', async () => {
    expect(await brightnessOf(await open({ colorScheme: 'light' }))).toBeGreaterThan(200);
    expect(await brightnessOf(await open({ colorScheme: 'dark' }))).toBeLessThan(60);
  });

  it.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['light on a phone', { colorScheme: 'light', viewport: PHONE }],
    ['dark on a phone', { colorScheme: 'dark', viewport: PHONE }],
  ] as const)('has nothing that axe finds fault with: %s', async (_what, options) => {
    const page = await open({ ...options, bypassCSP: true, reducedMotion: 'reduce' });
    for (const idea of ['/help', '/stats', '/remember tea Oolong'])
      await page.getByRole('button', { name: idea, exact: true }).click();
    await page.locator('.answered', { hasText: 'Oolong' }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
  });

  it('has the inspector of its cache beside it', async () => {
    const page = await browser!.open(`http://localhost:${port}/cache`);
    await page.getByRole('main').getByRole('link', { name: 'chatUsers', exact: true }).click();
    await page.getByText(/entr(?:y|ies) on this page/).waitFor();
  });

  it('says that the bot has stopped, and goes on when it is back', async () => {
    const start = async (): Promise<BotProcess> => {
      const started = new BotProcess(otherFolder);
      front.target = (await PageClient.of(started)).port;
      return started;
    };
    let other = await start();
    try {
      const page = await browser!.open(front.url);
      await page.getByText('Figures since the bot was started.').waitFor();
      browser!.expectComplaints(/net::ERR_/);
      await other.stop();
      front.target = undefined;
      await page.getByText('The bot is not running.').waitFor();
      other = await start();
      await page.getByText('Figures since the bot was started.').waitFor();
    } finally {
      other.end();
    }
  });
});
