import { BotError, GrammyError, HttpError } from 'grammy';
import { reportFailure } from '../messages/failure-report.js';

/** A failure of a call to Telegram for the log. The address of every call holds the token, and so may its errors. */
export function describeTelegramFailure(error: unknown, token: string): string {
  return describe(error).replaceAll(token, '<token>');
}

function describe(error: unknown): string {
  if (error instanceof BotError) return describe(error.error);
  if (error instanceof GrammyError) return `${error.method}: ${error.error_code} ${error.description}`;
  if (error instanceof HttpError) return `${error.message} (${causeOf(error.error)})`;
  return reportFailure(error);
}

function causeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'no reason given';
  if ('code' in error) return String(error.code);
  return 'type' in error ? String(error.type) : 'no reason given';
}
