import { Module, type DynamicModule } from '@nestjs/common';
import type { TelegramAccess } from '../environment.js';
import { MessagesModule } from '../messages/messages.module.js';
import { AnswerSender } from './answer-sender.js';
import { MigrationAnnouncement } from './migration-announcement.js';
import { TELEGRAM_ACCESS } from './telegram-access.js';
import { TelegramLine } from './telegram-line.js';
import { TelegramPatience } from './telegram-patience.js';
import { TelegramTransport } from './telegram.transport.js';
import { UpdatePoll } from './update-poll.js';

/** Talking through Telegram. */
@Module({})
export class TelegramModule {
  static with(access: TelegramAccess): DynamicModule {
    return {
      module: TelegramModule,
      imports: [MessagesModule],
      providers: [
        { provide: TELEGRAM_ACCESS, useValue: access },
        TelegramPatience,
        TelegramLine,
        UpdatePoll,
        MigrationAnnouncement,
        AnswerSender,
        TelegramTransport,
      ],
    };
  }
}
