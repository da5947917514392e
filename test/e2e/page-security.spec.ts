import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { BotProcess } from './support/bot-process.js';
import { PageClient } from './support/page-client.js';

const folder = tempFolder();
const HTML = readFileSync('src/bot/page/chat.html', 'utf8');

describe('the page', () => {
  let bot: BotProcess;
  let page: PageClient;
  beforeAll(async () => {
    bot = new BotProcess(folder);
    page = await PageClient.of(bot);
  });
  afterAll(() => bot.end());

  it('is one file without anything from elsewhere', async () => {
    const { status, body } = await page.ask('GET', '/');
    expect(status).toBe(200);
    expect(body).toBe(HTML);
    expect(HTML).not.toMatch(/<[^>]+\s(?:on\w+|style)\s*=/i);
    expect(HTML).not.toMatch(/\bsrc\s*=|@import|url\(|\bimport\b/i);
    // Its icon, and the page beside it.
    expect(HTML.match(/href="[^"]*"/g)).toEqual([
      expect.stringMatching(/^href="data:image\/svg\+xml,/),
      'href="/cache"',
    ]);
    expect(HTML).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/);
  });

  it('runs its own script and nothing else', async () => {
    const { headers } = await page.ask('GET', '/');
    const policy = String(headers['content-security-policy']);
    const script = /<script>([^]*?)<\/script>/.exec(HTML)?.[1] ?? '';
    const hash = createHash('sha256').update(script).digest('base64');
    expect(policy).toContain(`script-src 'sha256-${hash}'`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-powered-by']).toBeUndefined();
  });

  it('gets a script in a message back as data', async () => {
    const { headers, body } = await page.post({
      chatId: -1,
      userId: 1,
      text: '/remember x <script>alert(1)</script>',
    });
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(JSON.parse(body)).toEqual({
      answers: [{ text: 'I’ll remember: x = <script>alert(1)</script>' }],
    });
  });

  it('reads the figures of every namespace', async () => {
    const { status, body } = await page.ask('GET', '/api/stats');
    expect(status).toBe(200);
    const stats = JSON.parse(body) as Record<string, object>;
    expect(Object.keys(stats).toSorted()).toEqual(['chatUsers', 'chats', 'primes', 'users']);
    expect(stats['primes']).toMatchObject({ persistenceLevel: 'on_change', size: 0 });
  });

  it.each([
    ['no object', 'text'],
    ['no chat', { userId: 1, text: 'x' }],
    ['a chat that is no number', { chatId: '1', userId: 1, text: 'x' }],
    ['a fraction of a user', { chatId: 1, userId: 1.5, text: 'x' }],
    ['an unsafe number', { chatId: 2 ** 60, userId: 1, text: 'x' }],
    ['no text', { chatId: 1, userId: 1 }],
    ['an empty text', { chatId: 1, userId: 1, text: ' ' }],
    ['too long a text', { chatId: 1, userId: 1, text: 'x'.repeat(4097) }],
  ])('is told when it sends %s', async (_what, message) => {
    const { status, body } = await page.post(message);
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ message: expect.any(String) as string });
  });

  it('is told when it sends too much, or what is no JSON', async () => {
    expect((await page.post({ text: 'x'.repeat(40_000) })).status).toBe(413);
    expect((await page.ask('POST', '/api/messages', {}, '{"secret words')).status).toBe(400);
    expect(bot.output).not.toContain('secret words');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'can’t be imitated by a form that sends %s',
    async (type) => {
      const { status } = await page.post({ chatId: 1, userId: 1, text: 'x' }, { 'content-type': type });
      expect(status).toBe(415);
    },
  );

  it.each(['http://evil.example', 'null', 'https://localhost', 'http://localhost.evil.example'])(
    'is not to be used by a page of the origin %s',
    async (origin) => {
      expect((await page.post({ chatId: 1, userId: 1, text: 'x' }, { origin })).status).toBe(403);
    },
  );

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', '0.0.0.0'])(
    'is not there under the name "%s"',
    async (host) => {
      expect((await page.ask('GET', '/', { host })).status).toBe(403);
      expect((await page.ask('GET', '/api/stats', { host })).status).toBe(403);
      expect((await page.post({ chatId: 1, userId: 1, text: 'x' }, { host })).status).toBe(403);
    },
  );

  it.each(['localhost', '127.0.0.1', '[::1]'])('is there under the name %s', async (name) => {
    const host = `${name}:${page.port}`;
    const headers = { host, origin: `http://${host}` };
    expect((await page.post({ chatId: 1, userId: 1, text: '/help' }, headers)).status).toBe(200);
  });

  it('has the inspector of the cache beside it, for this machine alone', async () => {
    const { status, headers } = await page.ask('GET', '/cache');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toContain("script-src 'self'");
    expect((await page.ask('GET', '/cache/api/overview')).body).toContain('"actions":false');
    expect((await page.ask('GET', '/cache/api/overview', { 'x-forwarded-for': '127.0.0.1' })).status).toBe(
      403,
    );
  });

  it('never sees what people write in the log', async () => {
    await page.say('a private matter');
    await page.say('/remember diary a private matter');
    await bot.stop();
    expect(bot.output).not.toContain('private matter');
  });
});
