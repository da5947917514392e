import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/bot/app.module.js';
import { TelegramPatience } from '../../src/bot/telegram/telegram-patience.js';
import { TelegramModule } from '../../src/bot/telegram/telegram.module.js';
import { TelegramTransport } from '../../src/bot/telegram/telegram.transport.js';
import { NestLog } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';
import { BotProcess } from './support/bot-process.js';
import { FakeBotApi, type Fault } from './support/fake-bot-api.js';

const folder = tempFolder();
const ALICE = { id: 7, type: 'private' };
const BOB = { id: 8, type: 'private' };
const GROUP = { id: -5, type: 'group', title: 'Tea club' };
const SUPERGROUP = { id: -1005, type: 'supergroup', title: 'Tea club' };

let api: FakeBotApi;
let bot: BotProcess;
let runs = 0;

beforeEach(async () => {
  api = await new FakeBotApi().start();
  runs += 1;
});
afterEach(() => {
  bot.end();
  api.stop();
});

async function start(): Promise<void> {
  bot = new BotProcess(folder, { ...api.variables, CACHE_DATABASE: database() });
  await bot.prints(/Listening as @GromozekaBot/);
}

function database(): string {
  return `${folder}/faults-${runs}.sqlite`;
}

/** Fails the first calls of `method`, each in its way. */
function failFirst(method: string, ...faults: Fault[]): void {
  api.faults = (called) => (called === method ? faults.shift() : undefined);
}

describe('an answer that Telegram does not take', () => {
  it.each<{ fault: Fault; waitMs: number }>([
    { fault: { status: 429, retryAfter: 2 }, waitMs: 2000 },
    { fault: { status: 500 }, waitMs: 0 },
    { fault: 'cut before', waitMs: 0 },
  ])('is sent again ($fault), after the wait that Telegram asks for', async ({ fault, waitMs }) => {
    await start();
    failFirst('sendMessage', fault);
    api.write(['/remember tea Oolong', '/recall tea'], ALICE);
    await api.failed(1);
    const failedAt = performance.now();
    expect(await api.answers(2)).toEqual(['I’ll remember: tea = Oolong', 'tea = Oolong']);
    expect(performance.now() - failedAt).toBeGreaterThanOrEqual(waitMs - 50);
    await bot.stop();
    expect(api.queue.unconfirmed).toBe(0);
  });

  it('holds up its own chat alone', async () => {
    await start();
    api.faults = (method, { chat_id: id }) =>
      method === 'sendMessage' && id === ALICE.id ? 'hang' : undefined;
    api.write(['/remember tea Oolong', '/recall tea'], ALICE);
    await api.failed(1);
    api.write(['/remember tea Assam'], BOB);
    expect(await api.answers(1)).toEqual(['I’ll remember: tea = Assam']);
    api.write(['/recall tea'], BOB);
    expect(await api.answers(2)).toContain('tea = Assam');
    expect(api.failures).toHaveLength(1);
    expect(api.queue.unconfirmed).toBe(4);
    api.faults = () => undefined;
    bot.kill('SIGKILL');
    await bot.ended;
    await start();
    await api.answer('tea = Oolong');
    await api.queue.confirmedBut(0);
    const toBob = api.sent.filter((message) => message.chat_id === BOB.id).map(({ text }) => text);
    expect(new Set(toBob)).toEqual(new Set(['I’ll remember: tea = Assam', 'tea = Assam']));
    await bot.stop();
  });

  it('is given up where Telegram never will, and the update with it', async () => {
    await start();
    api.faults = (method, { chat_id: id }) =>
      method === 'sendMessage' && id === ALICE.id ? { status: 403 } : undefined;
    api.write(['/help'], ALICE);
    await bot.prints(/ERROR.*answer in chat 7 was given up: sendMessage: 403/);
    await api.queue.confirmedBut(0);
    await bot.stop();
  });

  it('goes to the supergroup where its group has become one', async () => {
    await start();
    const release = api.holdAnswers();
    api.write(['/remember a 1', '/remember b 2'], GROUP);
    await api.answers(1);
    api.migrate(GROUP, SUPERGROUP);
    release();
    await api.answers(2);
    expect(api.sent[1]).toMatchObject({ chat_id: SUPERGROUP.id, text: 'I’ll remember: b = 2' });
    api.write(['/recall'], SUPERGROUP);
    expect((await api.answers(3))[2]).toBe('a = 1\nb = 2');
    await bot.stop();
  });
});

describe('a poll that fails', () => {
  it.each<{ fault: Fault; says: RegExp }>([
    { fault: { status: 429, retryAfter: 1 }, says: /WARN.*getUpdates: 429 Too Many Requests/ },
    { fault: { status: 500 }, says: /WARN.*getUpdates: 500 Internal Server Error/ },
    { fault: 'cut before', says: /WARN.*getUpdates/ },
  ])('is told of once, and so is its end ($fault)', async ({ fault, says }) => {
    failFirst('getUpdates', fault, fault);
    await start();
    await bot.prints(says);
    await bot.prints(/LOG.*Telegram can be reached again/);
    expect(api.failures).toHaveLength(2);
    expect(bot.output.match(/WARN/g)).toHaveLength(1);
    failFirst('getUpdates', fault);
    api.write(['/help'], ALICE);
    await api.answers(1);
    await bot.prints(/(?:WARN[^]*){2}LOG.*Telegram can be reached again/);
    await bot.stop();
    expect(bot.output).not.toContain('secret');
  });

  it('is ended and told of where it hangs', async () => {
    const log = new NestLog();
    failFirst('getUpdates', 'hang');
    const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: apiRoot } = api.variables;
    const patience = Object.assign(new TelegramPatience(), { pollSeconds: 1, callSeconds: 0.1 });
    const app = await Test.createTestingModule({
      imports: [AppModule.with(TelegramModule.with({ token, apiRoot }), database())],
    })
      .overrideProvider(TelegramPatience)
      .useValue(patience)
      .setLogger(log)
      .compile();
    await app.init();
    const running = app.get(TelegramTransport).run();
    api.write(['/help'], ALICE);
    await api.answers(1);
    expect(log.with('getUpdates')).toHaveLength(1);
    expect(log.with('can be reached again')).toHaveLength(1);
    await app.close();
    await running;
    Logger.overrideLogger(false);
    expect(api.queue.unconfirmed).toBe(0);
  });
});
