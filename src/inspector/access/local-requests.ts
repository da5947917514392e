import type { IncomingMessage } from 'node:http';
import { Refusal } from '../http/refusal.js';

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/i;
const OWN_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;

/** What proxies add to a request; any name that begins with `x-forwarded` besides. */
const ADDED_BY_PROXIES = new Set([
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'cdn-loop',
]);

/** What is said in each case: the remedy is the same. */
const REMEDY =
  'Without a guard the inspector answers this machine alone: open it under http://localhost, or give it a guard.';

/** The name that a request asks for. */
export function hostOf({ headers }: IncomingMessage): string {
  // HTTP/2 has a field of its own for it.
  const authority = headers[':authority'];
  return headers.host ?? (typeof authority === 'string' ? authority : '');
}

/**
 * Throws unless a request comes from this machine, and from nowhere behind it: a proxy on the same machine makes every request look
 * local, so that none of its traces may be there, and a name of the web may lead here, so that the name must be one of this
 * machine's own.
 */
export function assertLocal(request: IncomingMessage): void {
  // Undefined for a socket of Unix, behind which there is a proxy.
  if (!LOOPBACK.test(request.socket.remoteAddress ?? ''))
    throw new Refusal(403, 'NOT_LOCAL', `This request does not come from this machine. ${REMEDY}`);
  if (!OWN_HOST.test(hostOf(request)))
    throw new Refusal(
      403,
      'NOT_LOCAL',
      `The name that this request asks for is not one of this machine's. ${REMEDY}`,
    );
  // What proxies speak by default and browsers have not for decades.
  const cameByProxy = request.httpVersion === '1.0' || Object.keys(request.headers).some(isOfProxy);
  if (cameByProxy) throw new Refusal(403, 'NOT_LOCAL', `This request has come through a proxy. ${REMEDY}`);
}

function isOfProxy(name: string): boolean {
  return ADDED_BY_PROXIES.has(name) || name.startsWith('x-forwarded');
}
