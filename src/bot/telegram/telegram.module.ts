import { Module, type DynamicModule } from '@nestjs/common';
import type { TelegramAccess } from '../environment.js';
import { MessagesModule } from '../messages/messages.module.js';
import { TELEGRAM_ACCESS, TelegramTransport } from './telegram.transport.js';

/** Talking through Telegram. */
@Module({})
export class TelegramModule {
  static with(access: TelegramAccess): DynamicModule {
    return {
      module: TelegramModule,
      imports: [MessagesModule],
      providers: [{ provide: TELEGRAM_ACCESS, useValue: access }, TelegramTransport],
    };
  }
}
