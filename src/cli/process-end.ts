import { setImmediate } from 'node:timers/promises';

/**
 * Ends `process` with its exit code, as soon as what was printed is through. What is left to do in it is not the command's: a
 * module of the application that it has loaded may have begun to serve.
 */
export async function endProcess(
  process: Pick<NodeJS.Process, 'stdout' | 'stderr'> & { exit(): unknown },
): Promise<void> {
  await flushed(process.stdout);
  // A failure to print is reported after the write that it is of, and is something to print itself.
  await setImmediate();
  await flushed(process.stderr);
  process.exit();
}

/** Resolves as soon as what was written before is with the system, or never will be. */
function flushed(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
