/** A name as SQLite and PostgreSQL quote it. */
export function doubleQuoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A name as MySQL and MariaDB quote it. */
export function backQuoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
