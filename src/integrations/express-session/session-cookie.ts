/** What the store needs of a session's cookie, be it an object of express-session, of @fastify/session, or plain. */
interface SessionCookie {
  expires?: Date | string | number | boolean | null;
  maxAge?: number | null;
}

/** A session as it is parsed. */
export interface ParsedSession {
  cookie?: SessionCookie | null;
}

/** Whole milliseconds that the cookie of `session` still lives, 0 or less where it is over; `undefined` where it has no expiry. */
export function cookieTtlMs(session: unknown): number | undefined {
  const { expires, maxAge } = (session as ParsedSession | null | undefined)?.cookie ?? {};
  // Of `false` too, which express-session takes for none.
  const left = expires ? Number(new Date(expires as Date | string | number)) - Date.now() : maxAge;
  return typeof left === 'number' && Number.isFinite(left) ? Math.ceil(left) : undefined;
}

/** Has the cookie expire in `ttlMs`, if it has an expiry: it was touched since it was stored. */
export function renewCookie({ cookie }: ParsedSession, ttlMs: number | null): void {
  if (cookie?.expires && ttlMs !== null) cookie.expires = new Date(Date.now() + ttlMs).toISOString();
}
