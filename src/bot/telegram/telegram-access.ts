/** Token of the `TelegramAccess` that the bot was started with. */
export const TELEGRAM_ACCESS = Symbol('TELEGRAM_ACCESS');
