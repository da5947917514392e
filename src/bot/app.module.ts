import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { CacheModule } from '../index.js';
import { MessagesModule } from './messages/messages.module.js';

/** The bot: its cache, what it does with messages, and the transport that brings them. */
@Module({})
export class AppModule {
  static with(transport: Type | DynamicModule, database?: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        database === undefined
          ? CacheModule.forRoot()
          : CacheModule.forRoot({ storage: { type: 'sqlite', database } }),
        MessagesModule,
        transport,
      ],
    };
  }
}
