import { Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { Gives } from './access/access.guard.js';
import { sendJson } from './http/answer.js';
import { exchangeOf, type Exchange } from './http/exchange.js';
import { Inspector } from './inspector.js';

/** The addresses of the inspector, wherever a controller puts them. Each answers by itself, whatever the application does with results. */
export abstract class InspectorRoutes {
  constructor(@Inject(Inspector) private readonly inspector: Inspector) {}

  @Get()
  @Gives('page')
  page(@Req() request: object, @Res() response: object): void {
    const exchange = exchangeOf(request, response);
    // Whatever prefixes are before it. A path holds nothing here that a browser would take for another site.
    this.inspector.files.sendPage(exchange, exchange.url.pathname.replace(/\/+$/, ''));
  }

  @Get('assets/:file')
  @Gives('page')
  asset(@Req() request: object, @Res() response: object, @Param('file') file: string): void {
    this.inspector.files.sendAsset(exchangeOf(request, response), file);
  }

  @Get('api/overview')
  @Gives('data')
  async overview(@Req() request: object, @Res() response: object): Promise<void> {
    sendJson(exchangeOf(request, response), await this.inspector.feed.overview());
  }

  @Get('api/events')
  @Gives('data')
  events(@Req() request: object, @Res() response: object): Promise<void> {
    return this.inspector.feed.open(exchangeOf(request, response));
  }

  @Get('api/entries')
  @Gives('data')
  async entries(@Req() request: object, @Res() response: object): Promise<void> {
    const exchange = exchangeOf(request, response);
    sendJson(exchange, await this.inspector.reader.page(exchange.url.searchParams));
  }

  @Get('api/entry')
  @Gives('data')
  async entry(@Req() request: object, @Res() response: object): Promise<void> {
    const exchange = exchangeOf(request, response);
    sendJson(exchange, await this.inspector.reader.entry(exchange.url.searchParams));
  }

  @Post('api/entry/delete')
  @Gives('action')
  delete(@Req() request: object, @Res() response: object): Promise<void> {
    return this.#act(request, response, (exchange) => this.inspector.actions.delete(exchange));
  }

  @Post('api/entry/edit')
  @Gives('action')
  edit(@Req() request: object, @Res() response: object): Promise<void> {
    return this.#act(request, response, (exchange) => this.inspector.actions.edit(exchange));
  }

  @Post('api/entry/refresh')
  @Gives('action')
  refresh(@Req() request: object, @Res() response: object): Promise<void> {
    return this.#act(request, response, (exchange) => this.inspector.actions.refresh(exchange));
  }

  @Post('api/flush')
  @Gives('action')
  flush(@Req() request: object, @Res() response: object): Promise<void> {
    return this.#act(request, response, (exchange) => this.inspector.actions.flush(exchange));
  }

  @Post('api/clear')
  @Gives('action')
  clear(@Req() request: object, @Res() response: object): Promise<void> {
    return this.#act(request, response, (exchange) => this.inspector.actions.clear(exchange));
  }

  @Post('api/reload')
  @Gives('action')
  reload(@Req() request: object, @Res() response: object): Promise<void> {
    return this.#act(request, response, (exchange) => this.inspector.actions.reload(exchange));
  }

  async #act(
    request: object,
    response: object,
    act: (exchange: Exchange) => Promise<unknown>,
  ): Promise<void> {
    const exchange = exchangeOf(request, response);
    sendJson(exchange, await act(exchange));
  }
}
