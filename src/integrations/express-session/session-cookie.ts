import { isDeepStrictEqual } from 'node:util';

/** What the store needs of a session's cookie, be it an object of express-session, of @fastify/session, or plain. */
export interface SessionCookie {
  expires?: Date | string | number | boolean | null;
  maxAge?: number | null;
  /** How long the cookie lives from each touch. */
  originalMaxAge?: number | null;
  /** Of @fastify/session: `expires` as it was read. */
  originalExpires?: unknown;
}

/** A session, as it is parsed or of a framework. */
export interface ParsedSession {
  cookie: SessionCookie;
}

/** By how much the age that express-session computes of a date may differ from the one that was set. */
const ROUNDING_MS = 1000;

/** Whether this is a session at all: each has a cookie. */
export function hasCookie(session: unknown): session is ParsedSession {
  const { cookie } = (session ?? {}) as { cookie?: unknown };
  return typeof cookie === 'object' && cookie !== null;
}

/** Whole milliseconds that the cookie of `session` still lives, 0 or less where it is over; `undefined` where it has no expiry. */
export function cookieTtlMs(session: unknown): number | undefined {
  if (!hasCookie(session)) return undefined;
  const { expires, maxAge } = session.cookie;
  // Of `false` too, which express-session takes for none.
  const left = expires ? Number(new Date(expires as Date | string | number)) - Date.now() : maxAge;
  return typeof left === 'number' && Number.isFinite(left) ? Math.ceil(left) : undefined;
}

/** Has the cookie expire in `ttlMs`, if it has an expiry: it was touched since it was stored. */
export function renewCookie({ cookie }: ParsedSession, ttlMs: number | null): void {
  if (cookie.expires && ttlMs !== null) cookie.expires = new Date(Date.now() + ttlMs).toISOString();
}

/** The cookie of a session as it is stored; `undefined` where it has none. */
export function storedCookieOf(session: unknown): SessionCookie | undefined {
  return hasCookie(session) ? (JSON.parse(JSON.stringify(session.cookie)) as SessionCookie) : undefined;
}

/** Whether two cookies, as they are stored, are the same but for the time that has passed between them. */
export function isSameCookie(one: SessionCookie, other: SessionCookie): boolean {
  const { expires: oneEnd, originalMaxAge: oneAge = null, originalExpires: _one, ...oneRest } = one;
  const { expires: otherEnd, originalMaxAge: otherAge = null, originalExpires: _other, ...otherRest } = other;
  return (
    Boolean(oneEnd) === Boolean(otherEnd) &&
    isSameAge(oneAge, otherAge) &&
    isDeepStrictEqual(oneRest, otherRest)
  );
}

/** Whether two sessions, as they are stored, are the same but for the time that has passed between them. */
export function isSameSession(one: ParsedSession, other: ParsedSession): boolean {
  const { cookie: oneCookie, ...oneRest } = one;
  const { cookie: otherCookie, ...otherRest } = other;
  return JSON.stringify(oneRest) === JSON.stringify(otherRest) && isSameCookie(oneCookie, otherCookie);
}

function isSameAge(one: number | null, other: number | null): boolean {
  return one === other || (one !== null && other !== null && Math.abs(one - other) < ROUNDING_MS);
}
