import { Module } from '@nestjs/common';
import { MemoryModule } from '../memory/memory.module.js';
import { PrimesCommands } from '../primes/primes.commands.js';
import { PrimesModule } from '../primes/primes.module.js';
import { ChatSettingsBook } from '../settings/chat-settings-book.js';
import type { CommandGroup } from './command.js';
import { CommandRegistry } from './command-registry.js';
import { ConfigureCommands } from './configure.commands.js';
import { ConfigureDialogue } from './configure-dialogue.js';
import { HelpCommands } from './help.commands.js';
import { InfoCommands } from './info.commands.js';
import { MemoryCommands } from './memory.commands.js';
import { SettingsCommands } from './settings.commands.js';

/** In the order of the help. */
const GROUPS = [SettingsCommands, ConfigureCommands, MemoryCommands, InfoCommands];

/** The commands of the bot. Those of a feature come from its own module. */
@Module({
  imports: [MemoryModule, PrimesModule],
  providers: [
    ...GROUPS,
    ChatSettingsBook,
    ConfigureDialogue,
    {
      provide: CommandRegistry,
      inject: [...GROUPS, PrimesCommands],
      useFactory: (...groups: CommandGroup[]) => new CommandRegistry([new HelpCommands(groups), ...groups]),
    },
  ],
  exports: [CommandRegistry, ConfigureDialogue],
})
export class CommandsModule {}
