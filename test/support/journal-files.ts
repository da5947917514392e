import { RescueFile } from '../../src/storage/rescue-file.js';

/** Whether there is a file of the rescue journal at `path`. */
export function hasJournal(path: string): boolean {
  return new RescueFile(path).files().length > 0;
}
