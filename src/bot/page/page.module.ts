import { Module } from '@nestjs/common';
import { MessagesModule } from '../messages/messages.module.js';
import { loadPageDocument } from './page-document.js';
import { PAGE_DOCUMENT, PageController } from './page.controller.js';

/** Talking through a page of the bot's own. */
@Module({
  imports: [MessagesModule],
  controllers: [PageController],
  providers: [{ provide: PAGE_DOCUMENT, useFactory: loadPageDocument }],
})
export class PageModule {}
