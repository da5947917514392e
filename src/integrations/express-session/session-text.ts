import { CacheError, type ValueCodec } from '../../index.js';
import { CodecMark } from '../codec-mark.js';
import { hasCookie, type ParsedSession, type SessionCookie } from './session-cookie.js';

/** On {@link sessionText}. */
export const SESSION_TEXT: CodecMark = new CodecMark('session-text');

/** The text is the value: each request parses it, and so has a session of its own to change. */
export const sessionText: ValueCodec<string> = SESSION_TEXT.on({
  encode: (text: string): string => text,
  decode(text: string): string {
    if (!hasCookie(JSON.parse(text))) throw new TypeError('This is no session, which has a cookie.');
    return text;
  },
});

/** The JSON text of a session. Throws `INVALID_VALUE` for what has none, or is no session. */
export function textOf(session: unknown): string {
  if (!hasCookie(session))
    throw invalid('The session has no cookie. Store what express-session made, or an object { cookie: {} }.');
  try {
    return JSON.stringify(session);
  } catch (cause) {
    throw invalid('The session has no JSON form (a cycle or a bigint, say). Keep plain data in it.', cause);
  }
}

/** The text of a session with another cookie. */
export function withCookie(text: string, cookie: SessionCookie): string {
  const session = JSON.parse(text) as ParsedSession;
  session.cookie = cookie;
  return JSON.stringify(session);
}

function invalid(message: string, cause?: unknown): CacheError {
  return new CacheError('INVALID_VALUE', message, { cause });
}
