import axe from 'axe-core';
import type { Page } from 'playwright-core';

interface Found {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
  }[];
}

/**
 * What axe has to say against the page as it is now, a line for each element. The page must have been opened with
 * `bypassCSP: true`, since axe is a script that is not its own.
 */
export async function violationsOf(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate<Found>(
    `${axe.source}; axe.run(document, { resultTypes: ['violations'] })`,
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')} ${failureSummary ?? ''}`),
  );
}
