/** What `--help` prints. */
export const HELP = `Usage: nestjs-durable-cache copy --from <database> --to <database> [options]
       nestjs-durable-cache journal show <file> [--values]

copy copies what the caches of an application hold from one database into another, with expiry and times of writing. Stop
the applications that use them first. The source is only read. Rows that have expired are left out.

A <database> is one of
  data/cache.sqlite                            a SQLite file
  postgres://user:password@host:5432/database  PostgreSQL; mysql:// and mariadb:// likewise
  ./data-source.js                             a module whose default export is a TypeORM DataSource or the options of
                                               one: for TLS, schemas, and passwords, which must not appear in a process list
Begin a path with ./ or ../ where its name has a colon or an @.

Options of copy
  --from <database>   where to read
  --to <database>     where to write; the table is made where it is missing
  --namespace <name>  copy this namespace only; may be given several times
  --dry-run           say what would be copied, and write nothing
  --force             overwrite rows of the target that differ; without it, a namespace in which the target has rows
                      that the source does not have is refused. Nothing is ever removed
  --journal <file>    where an application keeps its rescue journal, if that is not beside the SQLite file or under data/ of
                      this folder; may be given several times. The copy is refused while there is one
  --ignore-running    copy even if an application is connected to one of the databases

A copy that was interrupted is finished by running it again. Afterwards both sides are read and compared.

Rows that can't be stored on the other side as they are, such as bytes that are no text, are left out, counted and named.

journal show prints what a file of a rescue journal holds: its version, database and process, how many writes each namespace
has, and each write. It changes nothing.

Options of journal show
  --values            print the values, too

Options of both
  --help              show this
  --version           show the version

Exit codes: 0 everything copied or shown, 1 refused or failed, or the file is damaged, 2 not understood, 3 copied except
for what is named.
`;
