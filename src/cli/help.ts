/** What `--help` says of all commands together. */
export const ABOUT = `
A <database> is one of
  data/cache.sqlite                            a SQLite file
  postgres://user:password@host:5432/database  PostgreSQL; mysql:// and mariadb:// likewise
  ./data-source.js                             a module whose default export is a TypeORM DataSource or the options of
                                               one: for TLS, schemas, and passwords, which must not appear in a process list
Begin a path with ./ or ../ where its name has a colon or an @. NESTJS_DURABLE_CACHE_DATABASE names one for every command
that takes --database.

What is found is a table on a terminal and lines of tab-separated fields elsewhere; with --json each line is an object.
Reads may be made beside running applications. Writes may be made beside applications that share their database
(instances: 'many'), which see them as they see each other's; beside one that has it alone they are refused.

Exit codes: 0 done, 1 refused or failed, 2 not understood, 3 done except for what is named, 4 there is no such entry,
130 interrupted.
`;
