import {
  Logger,
  type DynamicModule,
  type INestApplicationContext,
  type LoggerService,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** Keeps what an application logged, as `level: message`. */
export class NestLog implements LoggerService {
  readonly lines: string[] = [];

  log(message: unknown): void {
    this.lines.push(`log: ${String(message)}`);
  }

  warn(message: unknown): void {
    this.lines.push(`warn: ${String(message)}`);
  }

  error(message: unknown): void {
    this.lines.push(`error: ${String(message)}`);
  }

  fatal(message: unknown): void {
    this.lines.push(`fatal: ${String(message)}`);
  }

  with(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }
}

/** Starts an application of these modules, and nothing else, without its log. */
export async function startApp(
  imports: (DynamicModule | Type)[],
  log = new NestLog(),
): Promise<INestApplicationContext> {
  class TestAppModule {}
  const app = await NestFactory.createApplicationContext(
    { module: TestAppModule, imports },
    { logger: log, abortOnError: false },
  );
  // The logger is the process's: give it back, so that no application hears of another.
  Logger.overrideLogger(log);
  return app;
}
