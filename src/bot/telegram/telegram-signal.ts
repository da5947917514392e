import type { Api } from 'grammy';

/** The signal that ends a call of grammY's. */
export type TelegramSignal = NonNullable<Parameters<Api['getMe']>[0]>;

/** Node's signal as grammY's types want it: they describe that of a package from before Node had its own. Both work. */
export function telegramSignal(signal: AbortSignal): TelegramSignal {
  return signal as unknown as TelegramSignal;
}
