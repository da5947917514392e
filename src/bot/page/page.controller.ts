import { Body, Controller, Get, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { CacheService, type CacheStats } from '../../index.js';
import { MessageHandler } from '../messages/message-handler.js';
import type { Answer } from '../messages/message.js';
import { readMessageBody } from './message-body.js';
import type { PageDocument } from './page-document.js';

export const PAGE_DOCUMENT = Symbol('PAGE_DOCUMENT');

/** The page, and what it asks for. */
@Controller()
export class PageController {
  constructor(
    @Inject(PAGE_DOCUMENT) private readonly document: PageDocument,
    private readonly handler: MessageHandler,
    private readonly cache: CacheService,
  ) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return this.document.html;
  }

  @Post('api/messages')
  @HttpCode(200)
  async send(@Body() body: unknown): Promise<{ answers: readonly Answer[] }> {
    const { chatId, userId, text } = readMessageBody(body);
    // As on Telegram, groups have ids below 0.
    const chat = { id: chatId, title: `Chat ${chatId}`, type: chatId < 0 ? 'group' : 'private' };
    return { answers: await this.handler.handle({ chat, userId, text, sentAt: new Date() }) };
  }

  @Get('api/stats')
  stats(): CacheStats {
    return this.cache.getStats();
  }
}
