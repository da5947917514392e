import type { FakeBotApi, FakeChat } from '../../e2e/support/fake-bot-api.js';
import type { Random } from '../../simulator/random.js';

/** Most entries of a user, and settings of the chat, before some are removed: below what the bot refuses. */
const MANY = 40;

/** Something that was said to the bot, and what it has to answer. */
export interface Line {
  readonly update: number;
  readonly userId: number;
  /** The one answer; where a crash may have lost a setting, the other one it may give, too. */
  readonly answers: readonly string[];
  readonly kind: 'changes memory' | 'changes settings' | 'reads';
  /** What it is about. */
  readonly key: string;
}

interface SettingChange {
  readonly line: number;
  readonly value: string | undefined;
  /** Whether the bot was killed when this was not in the database for sure. */
  mayBeLost: boolean;
}

/** Everything that is said in one group, and what the bot has to know because of it. Each answer is unlike any other. */
export class Conversation {
  readonly lines: Line[] = [];
  readonly users: readonly number[];
  readonly #group: FakeChat;
  readonly #supergroup: FakeChat;
  /** By user: key and value. */
  readonly #memory: ReadonlyMap<number, Map<string, string>>;
  readonly #settings = new Map<string, SettingChange[]>();
  /** What became of the settings of the lines before this one can't change any more. */
  #settledLines = 0;
  #migration: { readonly line: number; readonly update: number } | undefined;
  #count = 0;

  constructor(
    readonly number: number,
    private readonly api: FakeBotApi,
    private readonly random: Random,
  ) {
    this.#group = { id: -number, type: 'group', title: `Group ${number}` };
    this.#supergroup = { id: -1000 - number, type: 'supergroup', title: `Group ${number}` };
    this.users = [number * 10 + 1, number * 10 + 2];
    this.#memory = new Map(this.users.map((id) => [id, new Map<string, string>()]));
  }

  get chat(): FakeChat {
    return this.#migration !== undefined ? this.#supergroup : this.#group;
  }

  /** The texts that the bot sent to this chat, under both of its ids. */
  get sent(): string[] {
    return this.api.sent
      .filter(({ chat_id: id }) => id === this.#group.id || id === this.#supergroup.id)
      .map(({ text }) => text);
  }

  /** The group becomes a supergroup, once. */
  migrate(): void {
    if (this.#migration !== undefined) return;
    const firstSaidBy = this.random.below(2) === 0 ? 'old' : 'new';
    const update = this.api.migrate(this.#group, this.#supergroup, firstSaidBy);
    this.#migration = { line: this.lines.length, update };
  }

  /** The bot has stopped in order when so many lines were answered: their settings are in the database. */
  stopped(answered: number): void {
    this.#settledLines = answered;
  }

  /** The bot was killed then. What was set before a migration that it had confirmed is in the database, too. */
  killed(answered: number): void {
    const { line: migratedAt, update } = this.#migration ?? { line: 0, update: 0 };
    const durable = this.api.queue.isConfirmed(update) ? migratedAt : 0;
    const first = Math.max(this.#settledLines, durable);
    for (const change of [...this.#settings.values()].flat()) {
      if (change.line >= first && change.line < answered) change.mayBeLost = true;
    }
    this.#settledLines = answered;
  }

  /** Somebody says something. */
  speak(): void {
    const userId = this.users[this.random.below(this.users.length)] as number;
    const memory = this.#memory.get(userId) as Map<string, string>;
    const what = this.random.below(10);
    if (what < 4) this.#remember(userId, memory);
    else if (what < 6) this.#forget(userId, memory);
    else if (what < 7) this.#recall(userId, memory);
    else if (what < 9) this.#set(userId);
    else this.#unset(userId);
  }

  /** What `/recall` has to list. */
  remembered(userId: number): string {
    const entries = [...(this.#memory.get(userId) as Map<string, string>)];
    return entries
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([key, value]) => `${key} = ${value}`)
      .join('\n');
  }

  /** By setting, the values it may have. */
  get possibleSettings(): ReadonlyMap<string, readonly (string | undefined)[]> {
    const possible = [...this.#settings].map(([key, changes]) => {
      const certain = changes.findLastIndex(({ mayBeLost }) => !mayBeLost);
      const values = changes.slice(Math.max(0, certain)).map(({ value }) => value);
      return [key, certain < 0 ? [undefined, ...values] : values] as const;
    });
    return new Map(possible);
  }

  #remember(userId: number, memory: Map<string, string>): void {
    if (memory.size >= MANY) return this.#forget(userId, memory);
    const known = this.random.below(3) === 0 ? this.#pick(memory) : undefined;
    const key = known ?? `k${this.#next()}`;
    const value = `v${this.#next()}`;
    memory.set(key, value);
    this.#say(userId, 'changes memory', key, `/remember ${key} ${value}`, [
      `I’ll remember: ${key} = ${value}`,
    ]);
  }

  #forget(userId: number, memory: Map<string, string>): void {
    const key = this.#pick(memory) ?? `k${this.#next()}`;
    const known = memory.delete(key);
    this.#say(userId, 'changes memory', key, `/forget ${key}`, [
      known ? `Forgotten: ${key}` : `I remember nothing under ${key}.`,
    ]);
  }

  /** Asks for what was just said, so that the answer is a new one. */
  #recall(userId: number, memory: Map<string, string>): void {
    if (memory.size >= MANY) return;
    const key = `k${this.#next()}`;
    const value = `v${this.#next()}`;
    memory.set(key, value);
    this.#say(userId, 'changes memory', key, `/remember ${key} ${value}`, [
      `I’ll remember: ${key} = ${value}`,
    ]);
    this.#say(userId, 'reads', key, `/recall ${key}`, [`${key} = ${value}`]);
  }

  #set(userId: number): void {
    const known = this.#pick(this.#settings);
    const key = this.#settings.size >= MANY ? known : this.random.below(3) === 0 ? known : undefined;
    const name = key ?? `s${this.#next()}`;
    const value = `v${this.#next()}`;
    this.#changed(name, value);
    this.#say(userId, 'changes settings', name, `/set ${name} ${value}`, [`Set: ${name} = ${value}`]);
  }

  /** Each name is removed once: a second time the answer would not be a new one. */
  #unset(userId: number): void {
    const set = [...this.#settings].filter(([, changes]) =>
      changes.every(({ value }) => value !== undefined),
    );
    const key = set[this.random.below(set.length)]?.[0];
    if (key === undefined) return;
    this.#changed(key, undefined);
    this.#say(userId, 'changes settings', key, `/unset ${key}`, [
      `Removed the setting ${key}.`,
      `There is no setting ${key}.`,
    ]);
  }

  #changed(key: string, value: string | undefined): void {
    const change = { line: this.lines.length, value, mayBeLost: false };
    this.#settings.set(key, [...(this.#settings.get(key) ?? []), change]);
  }

  #say(userId: number, kind: Line['kind'], key: string, text: string, answers: readonly string[]): void {
    const update = this.api.write([text], this.chat, userId);
    this.lines.push({ update, userId, kind, key, answers });
  }

  #pick(from: ReadonlyMap<string, unknown>): string | undefined {
    return [...from.keys()][this.random.below(from.size)];
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}
