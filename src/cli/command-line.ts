import { parseArgs } from 'node:util';
import { CacheError } from '../core/cache-error.js';

export interface CopyCommand {
  readonly name: 'copy';
  readonly from: string;
  readonly to: string;
  /** `undefined` for all there are. */
  readonly namespaces: readonly string[] | undefined;
  readonly dryRun: boolean;
  readonly force: boolean;
  /** Where rescue journals of the applications may be, besides the places where they are by default. */
  readonly journals: readonly string[];
  readonly ignoreRunning: boolean;
}

/** `journal show`. */
export interface JournalCommand {
  readonly name: 'journal';
  readonly file: string;
  /** Whether to print the values, too. */
  readonly values: boolean;
}

/** What the command line asks for. */
export type Command = { readonly name: 'help' } | { readonly name: 'version' } | CopyCommand | JournalCommand;

/** Reads the arguments behind the command's own name. Throws `INVALID_OPTION` with the remedy. */
export function parseCommandLine(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.help === true || positionals[0] === 'help') return { name: 'help' };
  if (values.version === true) return { name: 'version' };
  const [command, ...rest] = positionals;
  switch (command) {
    case 'copy':
      return copyOf(values, rest);
    case 'journal':
      return journalOf(values, rest);
    case undefined:
      throw notUnderstood('There is no command');
    default:
      // Without its text, which may be an address with a password in it.
      throw notUnderstood('The only commands are copy and journal show');
  }
}

function copyOf(values: Values, rest: readonly string[]): CopyCommand {
  if (rest.length > 0) throw notUnderstood('The command copy takes options alone');
  assertOnly(values, COPY_OPTIONS, 'copy');
  const { from, to, namespace: namespaces, journal: journals = [] } = values;
  if (!from) throw notUnderstood('--from is missing');
  if (!to) throw notUnderstood('--to is missing');
  return {
    name: 'copy',
    from,
    to,
    namespaces,
    dryRun: values['dry-run'] === true,
    force: values.force === true,
    journals,
    ignoreRunning: values['ignore-running'] === true,
  };
}

function journalOf(values: Values, [verb, file, ...rest]: readonly string[]): JournalCommand {
  if (verb !== 'show') throw notUnderstood('The command journal has one verb, show');
  if (!file || rest.length > 0) throw notUnderstood('journal show takes the name of one file');
  assertOnly(values, JOURNAL_OPTIONS, 'journal show');
  return { name: 'journal', file, values: values.values === true };
}

/** Throws for an option of another command: what it was meant to do would not happen. */
function assertOnly(values: Values, known: readonly (keyof Values)[], command: string): void {
  const other = (Object.keys(values) as (keyof Values)[]).find((option) => !known.includes(option));
  if (other !== undefined) throw notUnderstood(`${command} has no option --${other}`);
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs<typeof CONFIG>> {
  try {
    return parseArgs({ ...CONFIG, args: [...args] });
  } catch (error) {
    // Its own message repeats the argument.
    const { code } = error as { code?: string };
    throw notUnderstood(CAUSES[code ?? ''] ?? 'The arguments are not understood');
  }
}

const CONFIG = {
  allowPositionals: true,
  options: {
    from: { type: 'string' },
    to: { type: 'string' },
    namespace: { type: 'string', multiple: true },
    'dry-run': { type: 'boolean' },
    force: { type: 'boolean' },
    journal: { type: 'string', multiple: true },
    'ignore-running': { type: 'boolean' },
    values: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  },
} as const;

type Values = ReturnType<typeof parse>['values'];
const COPY_OPTIONS: readonly (keyof Values)[] = [
  'from',
  'to',
  'namespace',
  'dry-run',
  'force',
  'journal',
  'ignore-running',
];
const JOURNAL_OPTIONS: readonly (keyof Values)[] = ['values'];

const CAUSES: Readonly<Record<string, string>> = {
  ERR_PARSE_ARGS_UNKNOWN_OPTION: 'There is an unknown option',
  ERR_PARSE_ARGS_INVALID_OPTION_VALUE: 'An option has no value, or one that it does not take',
};

function notUnderstood(what: string): CacheError {
  return new CacheError('INVALID_OPTION', `${what}. Run nestjs-durable-cache --help.`);
}
