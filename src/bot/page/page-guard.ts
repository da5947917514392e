import { ForbiddenException, UnsupportedMediaTypeException } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';

const OWN_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/**
 * Lets only the page itself use the page's server. A web site can make the browser of whoever visits it send requests
 * here: under a name of its own that leads to this machine (so the host is checked), or across origins.
 */
export function guardPage(request: Request, _response: Response, next: NextFunction): void {
  const { host = '', origin } = request.headers;
  if (!OWN_HOST.test(host)) {
    next(new ForbiddenException('Open this page under http://localhost.'));
  } else if (origin !== undefined && origin !== `http://${host}`) {
    next(new ForbiddenException('Requests from other sites are refused.'));
  } else if (request.method === 'POST' && !request.is('application/json')) {
    next(new UnsupportedMediaTypeException('Send JSON, with Content-Type: application/json.'));
  } else {
    next();
  }
}
