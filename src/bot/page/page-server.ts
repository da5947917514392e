import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from '../app.module.js';
import type { Environment } from '../environment.js';
import { stopOnSignals } from '../stop-signals.js';
import type { PageDocument } from './page-document.js';
import { guardPage } from './page-guard.js';
import { pageHeaders } from './page-headers.js';
import { PAGE_DOCUMENT } from './page.controller.js';
import { PageModule } from './page.module.js';

/** Serves the page to this machine alone, until it is stopped. */
export async function servePage({ port, cache }: Environment): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(PageModule, cache), {
    bodyParser: false,
    // A browser keeps its connections open, and the stop would wait for them.
    forceCloseConnections: true,
  });
  stopOnSignals(app);
  securePage(app);
  await app.init();
  const server = app.getHttpServer();
  try {
    // Not by app.listen(), which logs a failure as well as throwing it.
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    await app.close();
    throw explain(error, port);
  }
  new Logger('Page').log(`Open http://localhost:${(server.address() as AddressInfo).port}`);
}

/** What every request goes through before it reaches the controller. */
function securePage(app: NestExpressApplication): void {
  const { contentSecurityPolicy } = app.get<PageDocument>(PAGE_DOCUMENT);
  app.disable('x-powered-by');
  app.use(pageHeaders(contentSecurityPolicy));
  app.use(guardPage);
  app.useBodyParser('json', { limit: '32kb' });
}

function explain(error: unknown, port: number): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (error.code === 'EADDRINUSE') return new Error(`Port ${port} is in use. Set PORT to another one.`);
  if (error.code === 'EACCES') return new Error(`Port ${port} is not allowed. Set PORT to one above 1023.`);
  return error;
}
