import { Module } from '@nestjs/common';
import { CacheInspectorModule } from '../../inspector/index.js';
import { MessagesModule } from '../messages/messages.module.js';
import { loadPageDocument } from './page-document.js';
import { PAGE_DOCUMENT, PageController } from './page.controller.js';

/** Talking through a page of the bot's own. */
@Module({
  // At /cache, to be looked at alone.
  imports: [MessagesModule, CacheInspectorModule.forRoot()],
  controllers: [PageController],
  providers: [{ provide: PAGE_DOCUMENT, useFactory: loadPageDocument }],
})
export class PageModule {}
