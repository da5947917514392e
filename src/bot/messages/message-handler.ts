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
import { StopDeadline } from './stop-deadline.js';

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
    private readonly deadline: StopDeadline,
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

  /** What was begun is finished, if it can be, before the transports close and the cache takes no more writes. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.deadline.allows(Promise.all(this.#inFlight));
  }

  async #handle(message: IncomingMessage): Promise<readonly Answer[]> {
    const isAwaited = this.#isAwaited(message);
    try {
      const settled = await this.#atHome(message);
      await this.#note(settled);
      const answer = await this.#answer(settled);
      return answer === undefined ? [] : [answer];
    } catch (error) {
      const text = this.#explain(error);
      return isAwaited ? [{ text }] : [];
    }
  }

  /** Whether an answer is expected: in a group people talk to each other. */
  #isAwaited(message: IncomingMessage): boolean {
    if (message.chat.type === 'private' || this.dialogue.awaits(message)) return true;
    const line = parseCommand(message.text);
    return line !== undefined && isFor(message.botName, line.addressee);
  }

  /** The message as if it had been sent where the chat's data is now. */
  async #atHome(message: IncomingMessage): Promise<IncomingMessage> {
    const { chat, userId } = message;
    const home = await this.migration.homeOf(chat.id);
    if (home === chat.id) return message;
    return { ...message, chat: { ...chat, id: home }, userId: userId === chat.id ? home : userId };
  }

  /** A chat whose info can't be kept is answered all the same. */
  async #note(message: IncomingMessage): Promise<void> {
    try {
      await this.journal.note(message);
    } catch (error) {
      this.#logger.warn(`The chat's info was not updated: ${reportFailure(error)}`);
    }
  }

  async #answer(message: IncomingMessage): Promise<Answer | undefined> {
    const { chat, userId, delivery } = message;
    const line = parseCommand(message.text);
    if (line !== undefined) {
      if (!isFor(message.botName, line.addressee)) return undefined;
      await this.migration.moveUser(userId, chat.id);
      return await this.commands.run({ ...line, chatId: chat.id, userId, delivery });
    }
    const next = await this.dialogue.proceed(message);
    if (next !== undefined) return next;
    if (chat.type !== 'private' || message.text === '') return undefined;
    return { text: 'I answer commands. /help lists them.' };
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
