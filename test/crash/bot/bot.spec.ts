import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BotProcess } from '../../e2e/support/bot-process.js';
import { FakeBotApi, type Fault } from '../../e2e/support/fake-bot-api.js';
import { Random } from '../../simulator/random.js';
import { tempFolder } from '../../support/temp-folder.js';
import { checkAnswers } from './answer-check.js';
import { Conversation } from './conversation.js';

/** A few among the tests; `npm run crash:bot` makes it a hundred. */
const LIVES = Number(process.env['BOT_LIVES'] ?? 8);
const SEED = Number(process.env['BOT_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const GROUPS = 6;
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGKILL', 'SIGKILL'] as const;
/** A life that brings no answers for so long is ended all the same: its faults may be long ones. */
const DULL_MS = 5000;

const folder = tempFolder();

describe('the bot on Telegram, killed and stopped at any instant', () => {
  it(
    'answers everything in order, does nothing twice, and has what it said it would remember',
    { timeout: 60_000 + LIVES * 10_000 },
    async () => {
      console.log(`BOT_SEED=${SEED} BOT_LIVES=${LIVES}`);
      const random = new Random(SEED);
      const api = await new FakeBotApi().start();
      const arrivedUnnoticed = troubleWith(api, new Random(SEED + 1));
      const groups = Array.from({ length: GROUPS }, (_, i) => new Conversation(i + 1, api, random));
      const lives = new Map<number, number>();
      const check = (): number[] => {
        for (const id of new Set(api.queue.delivered.splice(0))) lives.set(id, (lives.get(id) ?? 0) + 1);
        return groups.map((group) => checkAnswers(group, { lives, arrivedUnnoticed }));
      };

      for (let life = 0; life < LIVES; life += 1) {
        talk(groups, random, 100);
        const bot = newBot(api);
        await Promise.race([api.answers(api.sent.length + random.below(100)), delay(DULL_MS)]);
        talk(groups, random, 20);
        await delay(random.below(30));
        const signal = SIGNALS[random.below(SIGNALS.length)] ?? 'SIGKILL';
        bot.kill(signal);
        const { code } = await bot.ended;
        // A signal that comes before the bot listens for it ends it at once.
        if (signal !== 'SIGKILL') expect([0, null]).toContain(code);
        for (const [i, answered] of check().entries()) {
          if (code === 0) groups[i]?.stopped(answered);
          else groups[i]?.killed(answered);
        }
      }

      api.faults = () => undefined;
      const last = newBot(api);
      await api.queue.confirmedBut(0);
      expect(check()).toEqual(groups.map((group) => group.lines.length));
      await expectKnown(api, groups);
      await last.stop();
      const again = newBot(api);
      await expectKnown(api, groups);
      await again.stop();
      api.stop();
      const lines = groups.reduce((sum, group) => sum + group.lines.length, 0);
      console.log(
        `${LIVES} lives: ${lines} messages, ${api.sent.length} answers, none lost or out of order.`,
      );
    },
  );
});

function newBot(api: FakeBotApi): BotProcess {
  return new BotProcess(folder, { ...api.variables, CACHE_DATABASE: `${folder}/bot.sqlite` });
}

/** People write, and now and then a group becomes a supergroup. */
function talk(groups: readonly Conversation[], random: Random, lines: number): void {
  for (let i = 0; i < lines; i += 1) {
    const group = groups[random.below(groups.length)];
    if (random.below(120) === 0) group?.migrate();
    group?.speak();
  }
}

/** One call in thirty fails. Gives how often an answer arrived though the bot was not told so. */
function troubleWith(api: FakeBotApi, random: Random): ReadonlyMap<string, number> {
  const arrived = new Map<string, number>();
  const ways: Fault[] = [{ status: 429, retryAfter: 1 }, { status: 500 }, 'cut before', 'cut after'];
  api.faults = (method, { text }) => {
    const isPolling = method === 'getUpdates';
    if ((!isPolling && method !== 'sendMessage') || random.below(30) > 0) return undefined;
    const fault = ways[random.below(isPolling ? 3 : 4)];
    if (fault === 'cut after') arrived.set(String(text), (arrived.get(String(text)) ?? 0) + 1);
    return fault;
  };
  return arrived;
}

/** What the bot knows, asked of it. */
async function expectKnown(api: FakeBotApi, groups: readonly Conversation[]): Promise<void> {
  for (const group of groups) {
    for (const userId of group.users) {
      const list = await ask(api, group, '/recall', userId);
      const expected = group.remembered(userId);
      expect(list).toEqual(
        expected === '' ? expect.stringContaining('I remember nothing for you') : expected,
      );
    }
    const settings = new Map<string, string>(
      (await ask(api, group, '/settings')).split('\n').map((line) => line.split(' = ') as [string, string]),
    );
    for (const [key, values] of group.possibleSettings) expect(values).toContain(settings.get(key));
  }
}

async function ask(api: FakeBotApi, { chat, users }: Conversation, text: string, userId = users[0]) {
  const before = api.sent.length;
  api.write([text], chat, userId);
  await api.answers(before + 1);
  return api.sent[before]?.text ?? '';
}
