import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request and its response as Node has them, whatever platform the application runs on. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The request as the platform has it, for what the application hands in. */
  readonly given: object;
  /** The path and query as they were asked for, also where the application is mounted in another one. */
  readonly url: URL;
  /** What the platform has read of the body; `undefined` where it has left it alone. */
  readonly body: unknown;
}

interface PlatformRequest {
  /** Of Fastify. */
  readonly raw?: IncomingMessage;
  readonly originalUrl?: string;
  readonly body?: unknown;
}

interface PlatformResponse {
  /** Of Fastify. */
  readonly raw?: ServerResponse;
  /** It leaves the response to whoever calls this. */
  hijack?(): unknown;
  getHeaders?(): Readonly<Record<string, number | string | string[] | undefined>>;
}

/** Takes the response over from the platform: nothing else may answer from now on. */
export function exchangeOf(request: object, response: object): Exchange {
  const { raw, originalUrl, body } = request as PlatformRequest;
  const own = raw ?? (request as IncomingMessage);
  return {
    request: own,
    response: takenOver(response),
    given: request,
    url: urlOf(originalUrl ?? own.url),
    body,
  };
}

/** What guards and hooks of the application have set stays. */
function takenOver(response: PlatformResponse): ServerResponse {
  const { raw } = response;
  if (raw === undefined) return response as ServerResponse;
  response.hijack?.();
  if (raw.headersSent) return raw;
  for (const [name, value] of Object.entries(response.getHeaders?.() ?? {}))
    if (value !== undefined) raw.setHeader(name, value);
  return raw;
}

/** Of a request alone. */
export function messageOf(request: object): IncomingMessage {
  return (request as PlatformRequest).raw ?? (request as IncomingMessage);
}

/** Whatever the request line holds: `//x` is a path here, and no host. */
function urlOf(asked = '/'): URL {
  const path = asked.replace(/^\/+/, '/');
  try {
    return new URL(path, 'http://localhost');
  } catch {
    return new URL('http://localhost/');
  }
}
