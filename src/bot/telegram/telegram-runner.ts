import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import type { Environment, TelegramAccess } from '../environment.js';
import { stopOnSignals } from '../stop-signals.js';
import { TelegramModule } from './telegram.module.js';
import { TelegramTransport } from './telegram.transport.js';

/** Runs the bot on Telegram until it is stopped. */
export async function runTelegram({
  telegram,
  cache,
}: Environment & { telegram: TelegramAccess }): Promise<void> {
  const app = await NestFactory.createApplicationContext(
    AppModule.with(TelegramModule.with(telegram), cache),
  );
  stopOnSignals(app);
  try {
    await app.get(TelegramTransport).run();
  } catch (error) {
    await app.close();
    throw error;
  }
}
