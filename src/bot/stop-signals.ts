import { Logger, ShutdownSignal, type INestApplicationContext } from '@nestjs/common';

/** npm and `nest start` pass on a Ctrl-C that the terminal has sent already: those echoes come within this time. */
const ECHO_MS = 500;
const EXIT_CODE_OF_SIGINT = 130;

/** Stops the application on SIGTERM and Ctrl-C, and at once on a second Ctrl-C. */
export function stopOnSignals(app: INestApplicationContext): void {
  app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT], { useProcessExit: true });
  let echo: NodeJS.Timeout | undefined;
  let echoesOver = false;
  process.on('SIGINT', () => {
    if (echoesOver) process.exit(EXIT_CODE_OF_SIGINT);
    echo ??= setTimeout(() => {
      echoesOver = true;
      new Logger('Bot').log('Still stopping. Ctrl-C again stops at once.');
    }, ECHO_MS).unref();
  });
}
