// npm run screenshot               docs/images/bot-page.png, of the built bot
// CHROMIUM=/path npm run screenshot   with a Chromium that is not on the path
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const SIZE = { width: 1120, height: 730, deviceScaleFactor: 1, mobile: false };
const FILE = resolve('docs/images/bot-page.png');
const SAID = [
  '/set language German',
  '/remember tea Oolong',
  '/recall',
  '/primes 1000000',
  '/primes 1000000',
];

const folder = mkdtempSync(join(tmpdir(), 'bot-page-'));
const bot = spawn(process.execPath, [resolve('dist/src/bot/main.js')], {
  cwd: folder,
  env: { PATH: process.env.PATH, NO_COLOR: '1', PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = spawn(
  process.env.CHROMIUM ?? 'chromium',
  [
    '--headless=new',
    '--no-sandbox',
    '--hide-scrollbars',
    '--remote-debugging-pipe',
    `--user-data-dir=${join(folder, 'profile')}`,
  ],
  // Commands go in at descriptor 3, and answers come out at 4, each ended by a NUL.
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
);
try {
  const page = await openPage();
  await page('Emulation.setDeviceMetricsOverride', SIZE);
  await page('Page.navigate', { url: await addressOf(bot) });
  await evaluate(
    page,
    "new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))",
  );
  for (const text of SAID) await evaluate(page, `send(${JSON.stringify(text)})`);
  await evaluate(page, 'refresh()');
  const { data } = await page('Page.captureScreenshot', { format: 'png' });
  writeFileSync(FILE, data, 'base64');
  console.log(`Written: ${FILE}`);
} finally {
  await Promise.all([ended(browser), ended(bot)]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** A new tab, as a function that sends it a command. */
async function openPage() {
  const [, , , input, output] = browser.stdio;
  const waiting = new Map();
  let text = '';
  output.setEncoding('utf8');
  output.on('data', (chunk) => {
    const messages = (text + chunk).split('\0');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message);
      waiting.get(id)?.(error === undefined ? result : Promise.reject(new Error(error.message)));
      waiting.delete(id);
    }
  });
  let last = 0;
  const send = (method, params = {}, sessionId) => {
    last += 1;
    input.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    return new Promise((done) => waiting.set(last, done));
  };
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  return (method, params) => send(method, params, sessionId);
}

async function evaluate(page, expression) {
  const { exceptionDetails } = await page('Runtime.evaluate', { expression, awaitPromise: true });
  if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
}

async function addressOf(child) {
  let printed = '';
  child.stdout.setEncoding('utf8');
  for await (const chunk of child.stdout) {
    printed += chunk;
    const [address] = /http:\/\/localhost:\d+/.exec(printed) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error(`The bot did not start:\n${printed}`);
}

async function ended(child) {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill();
  await exit;
}
