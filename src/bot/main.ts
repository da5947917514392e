import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { readEnvironment } from './environment.js';
import { servePage } from './page/page-server.js';
import { runTelegram } from './telegram/telegram-runner.js';

async function start(): Promise<void> {
  const environment = readEnvironment(process.env);
  const { telegram } = environment;
  await (telegram === undefined ? servePage(environment) : runTelegram({ ...environment, telegram }));
}

start().catch((error: unknown) => {
  // Whatever rejects here has a message written for the person at the terminal.
  new Logger('Bot').error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
