import { afterEach, beforeEach } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { BotProcess } from './bot-process.js';
import { FakeBotApi } from './fake-bot-api.js';

export const ALICE = { id: 7, type: 'private' };
export const BOB = { id: 8, type: 'private' };
export const GROUP = { id: -5, type: 'group', title: 'Tea club' };
export const SUPERGROUP = { id: -1005, type: 'supergroup', title: 'Tea club' };

/** An imitated Telegram and a database for each test of a file, and the bot in a process of its own once it is started. */
export class TelegramWorld {
  readonly folder = tempFolder();
  api!: FakeBotApi;
  bot!: BotProcess;
  #runs = 0;

  constructor() {
    beforeEach(async () => {
      this.api = await new FakeBotApi().start();
      this.#runs += 1;
    });
    afterEach(() => {
      this.bot.end();
      this.api.stop();
    });
  }

  get database(): string {
    return `${this.folder}/${this.#runs}.sqlite`;
  }

  async start(): Promise<void> {
    this.bot = new BotProcess(this.folder, { ...this.api.variables, CACHE_DATABASE: this.database });
    await this.bot.prints(/Listening as @GromozekaBot/);
  }
}
