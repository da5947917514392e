import { Module } from '@nestjs/common';
import { CommandsModule } from '../commands/commands.module.js';
import { MemoryModule } from '../memory/memory.module.js';
import { ChatJournal } from './chat-journal.js';
import { ChatMigration } from './chat-migration.js';
import { MessageHandler } from './message-handler.js';
import { StopDeadline } from './stop-deadline.js';

/** What happens to a message. */
@Module({
  imports: [CommandsModule, MemoryModule],
  providers: [ChatJournal, ChatMigration, MessageHandler, StopDeadline],
  exports: [ChatMigration, MessageHandler, StopDeadline],
})
export class MessagesModule {}
