import type { Scrape } from './sdk.js';

/** The names of metrics in a query: a selector has a name before its braces, or a pattern of names in them. */
export function namesIn(query: string): { exact: string[]; patterns: string[] } {
  const patterns = Array.from(query.matchAll(/__name__=~"([^"]+)"/g), ([, pattern = '']) => pattern);
  const rest = query.replaceAll(/"[^"]*"/g, '""');
  const exact = Array.from(rest.matchAll(/\bcache_\w+/g), ([name]) => name).filter(
    (name) => name !== 'cache_namespace',
  );
  return { exact, patterns };
}

/** What is wrong with queries, given what Prometheus has. */
export function unknownIn(queries: readonly string[], { names }: Pick<Scrape, 'names'>): string[] {
  return queries.flatMap((query) => {
    const { exact, patterns } = namesIn(query);
    if (exact.length + patterns.length === 0) return [`no metric: ${query}`];
    return [
      ...exact.filter((name) => !names.has(name)),
      ...patterns.filter((pattern) => {
        const whole = new RegExp(`^(?:${pattern})$`);
        return ![...names].some((name) => whole.test(name));
      }),
    ];
  });
}
