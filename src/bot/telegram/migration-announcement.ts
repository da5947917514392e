import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { isCacheError } from '../../index.js';
import { ChatMigration } from '../messages/chat-migration.js';
import { reportFailure } from '../messages/failure-report.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Telegram's word that a group has a new id. It is said in both chats, and not again once it was confirmed. */
@Injectable()
export class MigrationAnnouncement {
  readonly #logger = new Logger('Telegram');

  constructor(private readonly migration: ChatMigration) {}

  /**
   * Moves the chat, again and again until that is done: nothing of the chat is handled before. Rejects when `signal` ends
   * it, and where trying again can't help; the rows stay as they are then.
   */
  async take(from: number, to: number, signal: AbortSignal): Promise<void> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs)) {
      try {
        return await this.migration.move(from, to);
      } catch (error) {
        if (isCacheError(error, 'UNREADABLE_ENTRY')) throw error;
        this.#logger.warn(`Chat ${from} could not be moved to ${to}: ${reportFailure(error)}. Trying again.`);
        await delay(waitMs, undefined, { signal });
      }
    }
  }
}
