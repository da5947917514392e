import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { CacheModule, type CacheModuleOptions } from '../index.js';
import { MessagesModule } from './messages/messages.module.js';

/** The bot: its cache, what it does with messages, and the transport that brings them. */
@Module({})
export class AppModule {
  static with(transport: Type | DynamicModule, cache: CacheModuleOptions = {}): DynamicModule {
    return { module: AppModule, imports: [CacheModule.forRoot(cache), MessagesModule, transport] };
  }
}
