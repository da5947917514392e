import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { AppModule } from '../../src/bot/app.module.js';
import { TelegramPatience } from '../../src/bot/telegram/telegram-patience.js';
import { TelegramModule } from '../../src/bot/telegram/telegram.module.js';
import { TelegramTransport } from '../../src/bot/telegram/telegram.transport.js';
import { NestLog } from '../support/nest-app.js';
import type { Fault } from './support/fake-bot-api.js';
import { ALICE, BOB, GROUP, SUPERGROUP, TelegramWorld } from './support/telegram-world.js';

const world = new TelegramWorld();

/** Fails the first calls of `method`, each in its way. */
function failFirst(method: string, ...faults: Fault[]): void {
  world.api.faults = (called) => (called === method ? faults.shift() : undefined);
}

describe('an answer that Telegram does not take', () => {
  it.each<{ fault: Fault; waitMs: number }>([
    { fault: { status: 429, retryAfter: 2 }, waitMs: 2000 },
    { fault: { status: 500 }, waitMs: 0 },
    { fault: 'cut before', waitMs: 0 },
  ])('is sent again ($fault), after the wait that Telegram asks for', async ({ fault, waitMs }) => {
    await world.start();
    failFirst('sendMessage', fault);
    world.api.write(['/remember tea Oolong', '/recall tea'], ALICE);
    await world.api.failed(1);
    const failedAt = performance.now();
    expect(await world.api.answers(2)).toEqual(['I’ll remember: tea = Oolong', 'tea = Oolong']);
    expect(performance.now() - failedAt).toBeGreaterThanOrEqual(waitMs - 50);
    await world.bot.stop();
    expect(world.api.queue.unconfirmed).toBe(0);
  });

  it('holds up its own chat alone', async () => {
    await world.start();
    world.api.faults = (method, { chat_id: id }) =>
      method === 'sendMessage' && id === ALICE.id ? 'hang' : undefined;
    world.api.write(['/remember tea Oolong', '/recall tea'], ALICE);
    await world.api.failed(1);
    world.api.write(['/remember tea Assam'], BOB);
    expect(await world.api.answers(1)).toEqual(['I’ll remember: tea = Assam']);
    world.api.write(['/recall tea'], BOB);
    expect(await world.api.answers(2)).toContain('tea = Assam');
    expect(world.api.failures).toHaveLength(1);
    expect(world.api.queue.unconfirmed).toBe(4);
    world.api.faults = () => undefined;
    world.bot.kill('SIGKILL');
    await world.bot.ended;
    await world.start();
    await world.api.answer('tea = Oolong');
    await world.api.queue.confirmedBut(0);
    const toBob = world.api.sent.filter((message) => message.chat_id === BOB.id).map(({ text }) => text);
    expect(new Set(toBob)).toEqual(new Set(['I’ll remember: tea = Assam', 'tea = Assam']));
    await world.bot.stop();
  });

  it('is given up where Telegram never will, and the update with it', async () => {
    await world.start();
    world.api.faults = (method, { chat_id: id }) =>
      method === 'sendMessage' && id === ALICE.id ? { status: 403 } : undefined;
    world.api.write(['/help'], ALICE);
    await world.bot.prints(/ERROR.*answer in chat 7 was given up: sendMessage: 403/);
    await world.api.queue.confirmedBut(0);
    await world.bot.stop();
  });

  it('goes to the supergroup where its group has become one', async () => {
    await world.start();
    const release = world.api.holdAnswers();
    world.api.write(['/remember a 1', '/remember b 2'], GROUP);
    await world.api.answers(1);
    world.api.migrate(GROUP, SUPERGROUP);
    release();
    await world.api.answers(2);
    expect(world.api.sent[1]).toMatchObject({ chat_id: SUPERGROUP.id, text: 'I’ll remember: b = 2' });
    world.api.write(['/recall'], SUPERGROUP);
    expect((await world.api.answers(3))[2]).toBe('a = 1\nb = 2');
    await world.bot.stop();
  });
});

describe('a poll that fails', () => {
  it.each<{ fault: Fault; says: RegExp }>([
    { fault: { status: 429, retryAfter: 1 }, says: /WARN.*getUpdates: 429 Too Many Requests/ },
    { fault: { status: 500 }, says: /WARN.*getUpdates: 500 Internal Server Error/ },
    { fault: 'cut before', says: /WARN.*getUpdates/ },
  ])('is told of once, and so is its end ($fault)', async ({ fault, says }) => {
    failFirst('getUpdates', fault, fault);
    await world.start();
    await world.bot.prints(says);
    await world.bot.prints(/LOG.*Telegram can be reached again/);
    expect(world.api.failures).toHaveLength(2);
    expect(world.bot.output.match(/WARN/g)).toHaveLength(1);
    failFirst('getUpdates', fault);
    world.api.write(['/help'], ALICE);
    await world.api.answers(1);
    await world.bot.prints(/(?:WARN[^]*){2}LOG.*Telegram can be reached again/);
    await world.bot.stop();
    expect(world.bot.output).not.toContain('secret');
  });

  it('is ended and told of where it hangs', async () => {
    const log = new NestLog();
    failFirst('getUpdates', 'hang');
    const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: apiRoot } = world.api.variables;
    const patience = Object.assign(new TelegramPatience(), { pollSeconds: 1, callSeconds: 0.1 });
    const app = await Test.createTestingModule({
      imports: [
        AppModule.with(TelegramModule.with({ token, apiRoot }), {
          storage: { type: 'sqlite', database: world.database },
        }),
      ],
    })
      .overrideProvider(TelegramPatience)
      .useValue(patience)
      .setLogger(log)
      .compile();
    await app.init();
    const running = app.get(TelegramTransport).run();
    world.api.write(['/help'], ALICE);
    await world.api.answers(1);
    expect(log.with('getUpdates')).toHaveLength(1);
    expect(log.with('can be reached again')).toHaveLength(1);
    await app.close();
    await running;
    Logger.overrideLogger(false);
    expect(world.api.queue.unconfirmed).toBe(0);
  });
});
