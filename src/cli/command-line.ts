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

/** What the command line asks for. */
export type Command = { readonly name: 'help' } | { readonly name: 'version' } | CopyCommand;

export const HELP = `Usage: nestjs-durable-cache copy --from <database> --to <database> [options]

Copies what the caches of an application hold from one database into another, with expiry and times of writing. Stop
the applications that use them first. The source is only read. Rows that have expired are left out.

A <database> is one of
  data/cache.sqlite                            a SQLite file
  postgres://user:password@host:5432/database  PostgreSQL; mysql:// and mariadb:// likewise
  ./data-source.js                             a module whose default export is a TypeORM DataSource or the options of
                                               one: for TLS, schemas, and passwords, which must not appear in a process list
Begin a path with ./ or ../ where its name has a colon or an @.

Options
  --from <database>   where to read
  --to <database>     where to write; the table is made where it is missing
  --namespace <name>  copy this namespace only; may be given several times
  --dry-run           say what would be copied, and write nothing
  --force             overwrite rows of the target that differ; without it, a namespace in which the target has rows
                      that the source does not have is refused. Nothing is ever removed
  --journal <file>    where an application keeps its rescue journal, if that is not beside the SQLite file or under data/ of
                      this folder; may be given several times. The copy is refused while there is one
  --ignore-running    copy even if an application is connected to one of the databases
  --help              show this
  --version           show the version

A copy that was interrupted is finished by running it again. Afterwards both sides are read and compared.

Rows that can't be stored on the other side as they are, such as bytes that are no text, are left out, counted and named.

Exit codes: 0 everything copied, 1 refused or failed, 2 not understood, 3 copied except for what is named.
`;

/** Reads the arguments behind the command's own name. Throws `INVALID_OPTION` with the remedy. */
export function parseCommandLine(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.help === true || positionals[0] === 'help') return { name: 'help' };
  if (values.version === true) return { name: 'version' };
  const [command, ...rest] = positionals;
  if (command !== 'copy' || rest.length > 0) {
    // Without its text, which may be an address with a password in it.
    throw notUnderstood(
      command === undefined ? 'There is no command' : 'The only command is copy, with options alone',
    );
  }
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
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  },
} as const;

const CAUSES: Readonly<Record<string, string>> = {
  ERR_PARSE_ARGS_UNKNOWN_OPTION: 'There is an unknown option',
  ERR_PARSE_ARGS_INVALID_OPTION_VALUE: 'An option has no value, or one that it does not take',
};

function notUnderstood(what: string): CacheError {
  return new CacheError('INVALID_OPTION', `${what}. Run nestjs-durable-cache --help.`);
}
