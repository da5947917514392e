/** What `error.type` is where nothing more is known, by the semantic conventions. */
const OTHER = '_OTHER';

/** The code of an error, such as `SQLITE_BUSY`, or of what it was made for; else its class. */
export function errorTypeOf(error: unknown): string {
  if (!(error instanceof Error)) return OTHER;
  return codeOf(error) ?? error.name;
}

function codeOf(error: unknown): string | undefined {
  const { code, driverError } = (error ?? {}) as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string') return code;
  return driverError === undefined ? undefined : codeOf(driverError);
}
