import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { BotProcess } from './support/bot-process.js';
import { FakeBotApi } from './support/fake-bot-api.js';

const folder = tempFolder();
const GROUP = { id: -5, type: 'group', title: 'Tea club' };
const SUPERGROUP = { id: -1005, type: 'supergroup', title: 'Tea club' };
const PRIVATE = { id: 7, type: 'private', first_name: 'Alice' };

describe('the bot on Telegram', () => {
  let api: FakeBotApi;
  let bot: BotProcess;
  let runs = 0;

  beforeEach(async () => {
    api = await new FakeBotApi().start();
    runs += 1;
    await start();
  });
  afterEach(() => {
    bot.end();
    api.stop();
  });

  async function start(variables = api.variables): Promise<void> {
    bot = new BotProcess(folder, { ...variables, CACHE_DATABASE: `${folder}/${runs}.sqlite` });
    await bot.prints(/Listening as @GromozekaBot/);
  }

  async function restart(signal?: NodeJS.Signals): Promise<void> {
    await stop(signal);
    await start();
  }

  async function stop(signal?: NodeJS.Signals): Promise<void> {
    const { code, ms } = await bot.stop(signal);
    expect(bot.output).not.toContain('secret');
    expect(code).toBe(0);
    expect(ms).toBeLessThan(5000);
  }

  it('answers, and remembers over a restart', async () => {
    api.write(['/start@GromozekaBot', '/remember tea Oolong', '/set@GromozekaBot language German'], GROUP);
    expect(await api.answers(3)).toEqual([
      expect.stringContaining('Hello'),
      'I’ll remember: tea = Oolong',
      'Set: language = German',
    ]);
    api.write(['/configure'], GROUP);
    await api.answers(4);
    await restart();
    api.write(['language', '/set@OtherBot language French', '/recall', '/settings', '/info'], GROUP);
    expect((await api.answers(7)).slice(4)).toEqual([
      'tea = Oolong',
      'language = German',
      expect.stringMatching(/^Tea club \(group\)\nMessages: 9\n/),
    ]);
    expect(api.sent.every((message) => message.chat_id === GROUP.id)).toBe(true);
    await stop('SIGINT');
  });

  it('shows its figures in a font of fixed width', async () => {
    api.write(['/stats'], { ...PRIVATE });
    await api.answers(1);
    expect(api.sent[0]?.entities).toEqual([{ type: 'pre', offset: 0, length: api.sent[0]?.text.length }]);
  });

  it('has confirmed what it handled when it stops, so that nothing comes twice', async () => {
    api.write(['/remember a 1', '/remember b 2'], PRIVATE);
    await api.answers(2);
    await restart();
    expect(api.queue.unconfirmed).toBe(0);
    api.write(['/recall'], PRIVATE);
    expect((await api.answers(3)).at(-1)).toBe('a = 1\nb = 2');
    await stop();
    expect(api.sent).toHaveLength(3);
  });

  it('finishes the message in hand when it is stopped, and leaves the rest of the chat for the next start', async () => {
    const release = api.holdAnswers();
    api.write(['/remember a 1', '/remember b 2', '/set c 3'], PRIVATE);
    await api.answers(1);
    const stopped = stop();
    await bot.prints(/Stopping/);
    expect(api.queue.unconfirmed).toBe(3);
    release();
    await stopped;
    expect(api.queue.unconfirmed).toBe(2);
    expect(api.sent).toHaveLength(1);
    await start();
    await api.answers(3);
    api.write(['/recall', '/settings', '/info'], PRIVATE);
    expect((await api.answers(6)).slice(3)).toEqual([
      'a = 1\nb = 2',
      'c = 3',
      expect.stringContaining('Messages: 6'),
    ]);
  });

  it('does not confirm a message that it could not finish when it is stopped, and answers it at the next start', async () => {
    api.faults = (method) => (method === 'sendMessage' ? 'hang' : undefined);
    api.write(['/remember tea Oolong', '/forget tea'], PRIVATE);
    await api.failed(1);
    await stop();
    expect(bot.output).toMatch(/WARN.*will come again/);
    expect(api.queue.unconfirmed).toBe(2);
    api.faults = () => undefined;
    await start();
    expect(await api.answers(2)).toEqual(['I’ll remember: tea = Oolong', 'Forgotten: tea']);
    await stop();
    expect(api.queue.unconfirmed).toBe(0);
  });

  it('keeps what was set when its terminal is closed', async () => {
    api.write(['/set language German'], GROUP);
    await api.answers(1);
    bot.closeTerminal();
    expect((await bot.stop('SIGHUP')).code).toBe(0);
    await start();
    api.write(['/settings'], GROUP);
    expect((await api.answers(2))[1]).toBe('language = German');
    await stop();
  });

  it('stops at once at a second Ctrl-C', async () => {
    const release = api.holdAnswers();
    api.write(['/help'], PRIVATE);
    await api.answers(1);
    bot.kill('SIGINT');
    await bot.prints(/Still stopping. Ctrl-C again stops at once/);
    expect((await bot.stop('SIGINT')).code).toBe(130);
    release();
  });

  it('keeps settings and memory when a group becomes a supergroup', async () => {
    api.write(['/set language German', '/remember tea Oolong'], GROUP);
    await api.answers(2);
    api.migrate(GROUP, SUPERGROUP);
    await bot.prints(/Chat -5 is chat -1005 now/);
    await restart();
    api.write(['/settings', '/recall tea', '/info'], SUPERGROUP);
    expect((await api.answers(5)).slice(2)).toEqual([
      'language = German',
      'tea = Oolong',
      expect.stringMatching(/^Tea club \(supergroup\)\nMessages: 5\n/),
    ]);
    await stop();
  });

  it('keeps them even if it is killed as soon as the migration is confirmed', async () => {
    api.write(['/set language German', '/remember tea Oolong'], GROUP);
    await api.answers(2);
    api.migrate(GROUP, SUPERGROUP);
    await api.queue.confirmedBut(0);
    bot.kill('SIGKILL');
    await bot.ended;
    await start();
    api.write(['/settings', '/recall tea'], SUPERGROUP);
    expect((await api.answers(4)).slice(2)).toEqual(['language = German', 'tea = Oolong']);
    await stop();
  });

  it('says that Telegram refuses its token, without telling it, and ends', async () => {
    const refused = new BotProcess(folder, { ...api.variables, TELEGRAM_BOT_TOKEN: '43:another-secret' });
    const { code, output } = await refused.ended;
    expect(code).toBe(1);
    expect(output).toContain('Telegram refuses the bot: getMe: 401 Unauthorized');
    expect(output).not.toContain('secret');
  });

  it('says that Telegram can’t be reached, without telling its token, and stops all the same', async () => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, 'close');
    const lost = new BotProcess(folder, {
      ...api.variables,
      TELEGRAM_API_ROOT: `http://127.0.0.1:${port}`,
      CACHE_DATABASE: `${folder}/lost.sqlite`,
    });
    await lost.prints(/WARN.*ECONNREFUSED/);
    expect((await lost.stop()).code).toBe(0);
    expect(lost.output).not.toContain('secret');
  });
});
