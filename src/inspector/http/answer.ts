import type { OutgoingHttpHeaders } from 'node:http';
import type { Exchange } from './exchange.js';

/** What a browser may do with whatever the inspector sends: its own scripts and styles run, and nothing else does. */
const SECURITY: OutgoingHttpHeaders = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Not to be kept, and not to be held back by what compresses or buffers on the way. */
export const DATA: OutgoingHttpHeaders = {
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

/** Begins a response. Whatever the application has allowed other sites (CORS) does not hold here. */
export function begin({ response }: Exchange, status: number, headers: OutgoingHttpHeaders): void {
  for (const name of response.getHeaderNames())
    if (name.startsWith('access-control-')) response.removeHeader(name);
  response.writeHead(status, { ...SECURITY, ...headers });
}

/** Sends a whole response, unless there is one already. */
export function send(
  exchange: Exchange,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Buffer,
): void {
  const { response } = exchange;
  if (response.headersSent || response.destroyed) return;
  begin(exchange, status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

/** Sends data. */
export function sendJson(exchange: Exchange, data: unknown, status = 200): void {
  send(
    exchange,
    status,
    { ...DATA, 'Content-Type': 'application/json; charset=utf-8' },
    JSON.stringify(data),
  );
}
