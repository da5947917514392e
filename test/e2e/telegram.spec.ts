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
    expect(api.unconfirmed).toBe(0);
    api.write(['/recall'], PRIVATE);
    expect((await api.answers(3)).at(-1)).toBe('a = 1\nb = 2');
    expect(new Set(api.delivered).size).toBe(api.delivered.length);
  });

  it('finishes the message in hand when it is stopped, and leaves the rest of the batch for the next start', async () => {
    const release = api.holdAnswers();
    api.write(['/remember a 1', '/remember b 2', '/set c 3'], PRIVATE);
    await api.answers(1);
    const stopped = stop();
    // The stop confirms the message in hand and no other.
    await api.confirmedBut(2);
    expect(api.unconfirmed).toBe(2);
    release();
    await stopped;
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
    const from = { id: 7, is_bot: false, first_name: 'Alice' };
    api.announce(
      { chat: GROUP, from, migrate_to_chat_id: SUPERGROUP.id },
      { chat: SUPERGROUP, from, migrate_from_chat_id: GROUP.id },
    );
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
