import { Module } from '@nestjs/common';
import { CommandsModule } from '../commands/commands.module.js';
import { ChatJournal } from './chat-journal.js';
import { ChatMigration } from './chat-migration.js';
import { MessageHandler } from './message-handler.js';

/** What happens to a message. */
@Module({
  imports: [CommandsModule],
  providers: [ChatJournal, ChatMigration, MessageHandler],
  exports: [ChatMigration, MessageHandler],
})
export class MessagesModule {}
