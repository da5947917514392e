import { GrammyError, HttpError } from 'grammy';
import { describe, expect, it } from 'vitest';
import { answerParts } from '../../../src/bot/telegram/answer-parts.js';
import { describeTelegramFailure } from '../../../src/bot/telegram/telegram-failure.js';

const TOKEN = '123:secret';
const ADDRESS = `http://localhost/bot${TOKEN}/getMe`;

describe('a failure of a call to Telegram', () => {
  it.each([
    new HttpError(`Network request for '${ADDRESS}' failed!`, new Error(`request to ${ADDRESS} failed`)),
    new HttpError('Failed!', Object.assign(new Error(ADDRESS), { code: 'ECONNREFUSED' })),
    new GrammyError('Failed', { ok: false, error_code: 404, description: `No ${ADDRESS}` }, 'getMe', {}),
    new Error(ADDRESS),
    ADDRESS,
    null,
  ])('is described without the token', (error) => {
    expect(describeTelegramFailure(error, TOKEN)).not.toContain('secret');
  });

  it('keeps what helps to understand it', () => {
    const refused = new HttpError('Failed!', Object.assign(new Error(), { code: 'ECONNREFUSED' }));
    expect(describeTelegramFailure(refused, TOKEN)).toBe('Failed! (ECONNREFUSED)');
  });
});

describe('an answer for Telegram', () => {
  it('is one message where it fits', () => {
    expect(answerParts({ text: 'a\n'.repeat(2000), monospace: true })).toEqual([
      { text: 'a\n'.repeat(2000), monospace: true },
    ]);
    expect(answerParts({ text: '' })).toEqual([]);
  });

  it('is cut at line ends where it does not', () => {
    const lines = Array.from({ length: 300 }, (_, i) => `${i} `.padEnd(40, 'x'));
    const parts = answerParts({ text: lines.join('\n') });
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.every(({ text }) => text.length <= 4096)).toBe(true);
    expect(parts.flatMap(({ text }) => text.split('\n'))).toEqual(lines);
  });

  it('is never cut within a character', () => {
    const text = `a${'😀'.repeat(4000)}`;
    const parts = answerParts({ text });
    expect(parts.map((part) => part.text).join('')).toBe(text);
    expect(parts.every((part) => part.text.isWellFormed() && part.text.length <= 4096)).toBe(true);
  });
});
