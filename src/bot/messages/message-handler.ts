import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { isCacheError } from '../../index.js';
import { parseCommand } from '../commands/command-line.js';
import { CommandRegistry } from '../commands/command-registry.js';
import { ConfigureDialogue } from '../commands/configure-dialogue.js';
import { ChatJournal } from './chat-journal.js';
import { ChatMigration } from './chat-migration.js';
import { failureAnswer } from './failure-answer.js';
import { reportFailure } from './failure-report.js';
import type { Answer, IncomingMessage } from './message.js';
import { Refusal } from './refusal.js';

/** Answers messages, whichever transport brings them. Never rejects. */
@Injectable()
export class MessageHandler implements BeforeApplicationShutdown {
  readonly #logger = new Logger('Messages');
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(
    private readonly commands: CommandRegistry,
    private readonly dialogue: ConfigureDialogue,
    private readonly journal: ChatJournal,
    private readonly migration: ChatMigration,
  ) {}

  async handle(message: IncomingMessage): Promise<readonly Answer[]> {
    const work = this.#handle(message);
    this.#inFlight.add(work);
    try {
      return await work;
    } finally {
      this.#inFlight.delete(work);
    }
  }

  /** What was begun is finished before the transports close and the cache takes no more writes. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  async #handle(message: IncomingMessage): Promise<readonly Answer[]> {
    await this.#note(message);
    try {
      return await this.#answer(message);
    } catch (error) {
      return [{ text: this.#explain(error) }];
    }
  }

  /** A chat whose info can't be kept is answered all the same. */
  async #note(message: IncomingMessage): Promise<void> {
    try {
      const info = await this.journal.note(message);
      await this.migration.moveUser(message.userId, message.chat.id, info);
    } catch (error) {
      this.#logger.warn(`The chat's info was not updated: ${reportFailure(error)}`);
    }
  }

  async #answer(message: IncomingMessage): Promise<readonly Answer[]> {
    const line = parseCommand(message.text);
    if (line !== undefined) {
      if (!isFor(message.botName, line.addressee)) return [];
      return [await this.commands.run({ ...line, chatId: message.chat.id, userId: message.userId })];
    }
    const next = await this.dialogue.proceed(message);
    if (next !== undefined) return [next];
    const hint = { text: 'I answer commands. /help lists them.' };
    // In a group people talk to each other.
    return message.chat.type === 'private' && message.text !== '' ? [hint] : [];
  }

  #explain(error: unknown): string {
    if (error instanceof Refusal) return error.message;
    if (!isCacheError(error)) {
      this.#logger.error(`A message was not handled: ${reportFailure(error)}`);
      return 'Something went wrong on my side. Please try again.';
    }
    this.#logger.warn(`The cache did not do it: ${reportFailure(error)}`);
    return failureAnswer(error.code);
  }
}

function isFor(botName: string | undefined, addressee: string | undefined): boolean {
  if (botName === undefined || addressee === undefined) return true;
  return botName.toLowerCase() === addressee.toLowerCase();
}
