/**
 * Lets a copy go on when nobody reads what it prints, as in `copy | head -1`: it is half done, and its exit code tells the rest.
 * Any other failure to print is reported by `failed`.
 */
export function outliveReaders(streams: readonly NodeJS.WriteStream[], failed: (error: Error) => void): void {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') failed(error);
    });
  }
}
