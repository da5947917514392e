import { existsSync } from 'node:fs';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';

/** Where Debian puts it. */
const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** It runs as root in containers, where there is no sandbox for it, and has no business with anybody but the page. */
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const DESKTOP = { width: 1280, height: 900 };
/** The narrowest that is common. */
export const PHONE = { width: 360, height: 740 };

/** How long a page may take for what it is expected to show, ms. A busy machine takes its time. */
const PATIENCE_MS = 30_000;

/** What a test opens pages with. */
export class TestBrowser {
  #browser: Browser | undefined;
  readonly #contexts: BrowserContext[] = [];
  readonly #complaints: string[] = [];
  readonly #expected: RegExp[] = [];

  constructor() {
    beforeAll(async () => {
      this.#browser = await launchChromium();
    });
    afterEach(async () => {
      await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
      const expected = this.#expected.splice(0);
      const complaints = this.#complaints
        .splice(0)
        .filter((text) => !expected.some((pattern) => pattern.test(text)));
      if (complaints.length > 0) throw new Error(`The page complained:\n${complaints.join('\n')}`);
    });
    afterAll(() => this.#browser?.close());
  }

  /**
   * A page in a profile of its own. After the test, it must have logged no error, broken no rule of its security policy, and asked
   * no other host for anything.
   */
  async open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    if (this.#browser === undefined) throw new Error('There is no browser.');
    const context = await this.#browser.newContext({ viewport: DESKTOP, locale: 'en-GB', ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    this.#contexts.push(context);
    const page = await context.newPage();
    this.#listen(page, new URL(url).origin);
    await page.goto(url);
    return page;
  }

  /** Of this test alone: complaints like this are part of it. */
  expectComplaints(pattern: RegExp): void {
    this.#expected.push(pattern);
  }

  #listen(page: Page, origin: string): void {
    const complain = (text: string): number => this.#complaints.push(text);
    page.on('pageerror', (error) => complain(`thrown: ${error.message}`));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complain(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin !== origin && url.protocol !== 'data:') complain(`request of another host: ${url.href}`);
    });
  }
}

/** The browser for the spec file that calls it, or `undefined` where there is none. */
export function testBrowser(): TestBrowser | undefined {
  if (existsSync(CHROMIUM)) return new TestBrowser();
  const skipped = `the browser: there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH)`;
  if (process.env['REQUIRE_BROWSER'] === '1') throw new Error(`REQUIRE_BROWSER=1, but skipped: ${skipped}`);
  console.log(`Skipped: ${skipped}`);
  return undefined;
}

/** Chromium without a window. */
function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS, headless: true });
}
