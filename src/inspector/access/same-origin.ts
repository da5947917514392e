import type { IncomingMessage } from 'node:http';
import { Refusal } from '../http/refusal.js';
import { hostOf } from './local-requests.js';

/** The page sends it with each action. No form can, and no script of another site without asking first. */
const OWN_HEADER = 'x-cache-inspector';
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/**
 * Throws where a page of another site has made a browser send a request. Its cookies come with it, so a guard that goes by them would
 * let it pass; and what the application allows other sites (CORS) is meant for its own routes.
 */
export function assertSameOrigin(request: IncomingMessage): void {
  // No script can set it. Behind a proxy that asks by another name it alone tells.
  const site = request.headers['sec-fetch-site'];
  if (site === 'same-origin') return;
  // What somebody has typed or opened.
  if (site !== undefined && site !== 'none') throw crossSite();
  assertOriginIsHost(request);
}

/** The same of an action: besides, it must be one that only the page itself sends. */
export function assertOwnAction(request: IncomingMessage): void {
  assertSameOrigin(request);
  if (request.headers['sec-fetch-site'] === 'none') throw crossSite();
  if (!JSON_TYPE.test(request.headers['content-type'] ?? ''))
    throw new Refusal(415, 'NOT_JSON', 'Send JSON, with Content-Type: application/json.');
  if (request.headers[OWN_HEADER] !== '1')
    throw new Refusal(403, 'CROSS_SITE', 'An action needs the header X-Cache-Inspector: 1.');
}

/** Throws where a request says that it comes from a page that is not at the name it asks for. */
export function assertOriginIsHost(request: IncomingMessage): void {
  const { origin } = request.headers;
  if (origin !== undefined && hostOfOrigin(origin) !== hostOf(request).toLowerCase()) throw crossSite();
}

function hostOfOrigin(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

function crossSite(): Refusal {
  return new Refusal(403, 'CROSS_SITE', 'Requests from other sites are refused.');
}
