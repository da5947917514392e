import type { CommandIo } from './command-io.js';

/** How rows are printed: for people, for `cut` and its like, or for programs. */
export type Form = 'table' | 'plain' | 'json';

export interface FormOption {
  readonly json?: boolean;
}

export const JSON_OPTION = ['--json', 'print an object a line'] as const;

export function formOf({ json }: FormOption, { stdout }: CommandIo): Form {
  if (json === true) return 'json';
  return stdout.isTTY === true ? 'table' : 'plain';
}
