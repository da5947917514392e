import { unsupported } from '../unsupported.js';

/** Of whichever copy of this package: an application may have loaded two. */
const REGISTRY = Symbol.for('nestjs-durable-cache:sqlite-files');

/** A file that this process has open: by TypeORM's type of which library, and how often. */
interface OpenFile {
  readonly library: string;
  times: number;
}

type Global = typeof globalThis & { [REGISTRY]?: Map<string, OpenFile> };

/** A file that is about to be opened. */
export interface FileToOpen {
  /** The same for every path that leads to it. */
  readonly identity: string;
  readonly path: string;
  readonly library: string;
}

/**
 * Notes that this process has a file open, until what it gives is called. Throws `UNSUPPORTED_STORAGE` where it has it open by
 * another library. The system's locks belong to the process: two libraries in it don't keep each other out, whichever closes the file
 * frees the locks of the other, and both write to the same pages.
 */
export function noteOpenFile({ identity, path, library }: FileToOpen): () => void {
  const files = ((globalThis as Global)[REGISTRY] ??= new Map<string, OpenFile>());
  const file = files.get(identity) ?? { library, times: 0 };
  if (file.library !== library) {
    throw unsupported(
      `This process has ${path} open already, by a storage of type '${file.library}', and '${library}' is another library: two of them in ` +
        `one process don't see each other's locks, and damage the file. Set type: '${file.library}' here, too, or give each a file of its own.`,
    );
  }
  files.set(identity, file);
  file.times += 1;
  return () => {
    file.times -= 1;
    if (file.times === 0) files.delete(identity);
  };
}
