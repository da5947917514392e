import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { sendJson } from './answer.js';
import { exchangeOf } from './exchange.js';
import { refusalOf, type RefusalBody } from './refusal.js';

/** Answers what fails in the way that the page understands, whatever filters the application has. */
@Catch()
export class InspectorErrorsFilter implements ExceptionFilter {
  readonly #logger = new Logger('CacheInspector');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const exchange = exchangeOf(http.getRequest(), http.getResponse());
    const refusal = refusalOf(error);
    // Its message may quote anything.
    if (refusal === undefined) this.#logger.error(`A request of the inspector failed (${nameOf(error)}).`);
    const { status, code, message } = refusal ?? {
      status: 500,
      code: 'INTERNAL',
      message: 'The inspector has failed at this.',
    };
    sendJson(exchange, { code, message } satisfies RefusalBody, status);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : typeof error;
}
