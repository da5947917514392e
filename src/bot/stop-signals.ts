import { Logger, ShutdownSignal, type INestApplicationContext } from '@nestjs/common';

/** npm and `nest start` pass on a Ctrl-C that the terminal has sent already: those echoes come within this time. */
const ECHO_MS = 500;
const EXIT_CODE_OF_SIGINT = 130;

const STOP_SIGNALS = [ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT, ShutdownSignal.SIGHUP];

/** Stops the application on SIGTERM, on Ctrl-C, and when its terminal is closed; at once on a second Ctrl-C. */
export function stopOnSignals(app: INestApplicationContext): void {
  app.enableShutdownHooks(STOP_SIGNALS, { useProcessExit: true });
  outliveTerminal();
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

/** A closed terminal takes no more lines: those of the stop must not end the process before everything is written. */
function outliveTerminal(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
