// npm run screenshot                        the pictures of docs/images, of the built bot and of an application with the inspector
// CHROMIUM_PATH=/path npm run screenshot    with another Chromium than Debian's
// OUT=folder BUSY_SECONDS=20 npm run screenshot    a quick look, somewhere else
import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** For how long the application is busy before its pictures are taken, so that the charts show something, ms. */
const BUSY_MS = Number(process.env.BUSY_SECONDS ?? 150) * 1000;
const DESKTOP = { width: 1280, height: 800 };
const TALL = { width: 1280, height: 1000 };
const PHONE = { width: 390, height: 800 };
const SAID = [
  '/set language German',
  '/remember tea Oolong',
  '/recall',
  '/primes 1000000',
  '/primes 1000000',
];

/** It stands at the head of the page, and so in the pictures. */
const folder = join(tmpdir(), 'shop');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const children = [];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: FLAGS,
});
try {
  await Promise.all([takeBot(), takeInspector()]);
} finally {
  await Promise.all([browser.close(), ...children.map((end) => end())]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function takeBot() {
  const page = await open(await startBot(), { viewport: { width: 1120, height: 730 } });
  for (const text of SAID) {
    const answered = await page.locator('.answered').count();
    await page.getByLabel('Message').fill(text);
    await page.keyboard.press('Enter');
    await page.locator('.answered').nth(answered).waitFor();
  }
  await page.waitForResponse('**/api/stats');
  await shoot(page, 'bot-page');
}

async function takeInspector() {
  const database = 'cache.sqlite';
  const address = `${await startApp({ database, share: 0.7 })}/cache`;
  await startApp({ database, share: 0.3 });
  await new Promise((done) => {
    setTimeout(done, BUSY_MS);
  });
  const entry = '#/ns/sessions?prefix=session%3A0';
  const overview = await open(address, { viewport: TALL });
  await overview.locator('.chart canvas').nth(3).waitFor();
  await shoot(overview, 'inspector-overview');
  const openList = async (hash, options) => {
    const page = await open(address + hash, options);
    await page.locator('.entries tbody tr').first().waitFor();
    return page;
  };
  const namespace = await openList(entry, { colorScheme: 'dark', viewport: TALL });
  await namespace.locator('.entries tbody a').nth(2).click();
  await namespace.locator('.panel .facts').waitFor();
  await shoot(namespace, 'inspector-entry-dark');
  const phone = await open(address, { viewport: PHONE, deviceScaleFactor: 1 });
  await phone.locator('.chart canvas').nth(3).waitFor({ state: 'attached' });
  await shoot(phone, 'inspector-phone');
  const dark = await openList(entry, { viewport: PHONE, colorScheme: 'dark' });
  await shoot(dark, 'inspector-phone-dark');
}

async function open(url, options = {}) {
  const context = await browser.newContext({
    viewport: DESKTOP,
    locale: 'en-GB',
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

async function shoot(page, name) {
  const path = resolve(process.env.OUT ?? 'docs/images', `${name}.png`);
  await page.screenshot({ path });
  // A third of the size where it is installed; the picture is the same to the eye.
  spawnSync('pngquant', ['--force', '--output', path, '128', path]);
  console.log(`Written: ${path}`);
}

/** The built bot; gives the address of its page. */
async function startBot() {
  const bot = spawn(process.execPath, [resolve('dist/src/bot/main.js')], {
    cwd: folder,
    env: { PATH: process.env.PATH, NO_COLOR: '1', PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(() => ended(bot, () => bot.kill()));
  let printed = '';
  bot.stdout.setEncoding('utf8');
  for await (const chunk of bot.stdout) {
    printed += chunk;
    const [address] = /http:\/\/localhost:\d+/.exec(printed) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error(`The bot did not start:\n${printed}`);
}

/** An application that is busy; gives its address. */
async function startApp(options) {
  const app = fork(resolve('test/browser/support/busy-app.mjs'), [JSON.stringify(options)], { cwd: folder });
  children.push(() => ended(app, () => app.disconnect()));
  const [{ port }] = await once(app, 'message');
  return `http://127.0.0.1:${port}`;
}

async function ended(child, end) {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  end();
  await exit;
}
