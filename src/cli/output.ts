/**
 * Lets a copy go on when nobody reads what it prints, as in `copy | head -1`: it is half done, and its exit code says how it ended.
 * `failed` is called for any other failure to print, unless that was an error message.
 */
export function outliveReaders(
  { stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>,
  failed: (error: Error) => void,
): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failed(error);
  });
  stderr.on('error', () => undefined);
}
