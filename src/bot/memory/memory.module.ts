import { Module } from '@nestjs/common';
import { UserMemory } from './user-memory.js';

/** What the bot remembers of its users. */
@Module({ providers: [UserMemory], exports: [UserMemory] })
export class MemoryModule {}
