import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PHONE, testBrowser } from '../support/browser.js';
import { tempFolder } from '../support/temp-folder.js';
import { violationsOf } from './support/accessibility.js';
import { InspectedApp } from './support/inspected-app.js';
import { InspectorPage } from './support/inspector-page.js';
import { brightnessOf, focused, overhangOf, showsFocus, stickingOut } from './support/layout.js';

const browser = testBrowser();

/** What each of the tests below is done on. */
const VIEWS = {
  overview: { hash: '', shows: 'Last failures' },
  namespace: { hash: '#/ns/notes', shows: 'list:000' },
  entry: { hash: '#/ns/notes?key=list%3A003', shows: '"i": 3' },
  'an empty namespace': { hash: '#/ns/members', shows: 'This namespace is empty.' },
} as const;
const SCHEMES = ['light', 'dark'] as const;

describe.skipIf(browser === undefined)('The inspector is for everybody', () => {
  const folder = tempFolder();
  let app: InspectedApp;
  const open = async (hash = '', options: BrowserContextOptions = {}): Promise<InspectorPage> =>
    new InspectorPage(await browser!.open(app.url(hash), options)).connected();
  const show = async (
    view: keyof typeof VIEWS,
    options: BrowserContextOptions = {},
  ): Promise<InspectorPage> => {
    const { hash, shows } = VIEWS[view];
    const inspector = await open(hash, options);
    await inspector.page.getByText(shows).first().waitFor();
    await inspector.page.locator('.chart canvas').first().waitFor();
    return inspector;
  };

  /** Goes on with Tab until something of that name has the focus. */
  const tabTo = async (page: Page, name: string): Promise<void> => {
    for (let pressed = 0; !(await focused(page)).endsWith(name); pressed += 1) {
      if (pressed > 200) throw new Error(`Tab does not reach ${name}.`);
      await page.keyboard.press('Tab');
    }
    expect(await showsFocus(page), name).toBe(true);
  };

  beforeAll(async () => {
    app = await InspectedApp.start({
      storage: { type: 'sqlite', database: `${folder}/app.sqlite` },
      inspector: { actions: true },
    });
    const long = 'a value that goes on and on '.repeat(20);
    await app.call('notes', 'setMany', [
      ...Array.from({ length: 60 }, (_, i) => [`list:${String(i).padStart(3, '0')}`, { i, long }]),
      [`a-key-without-any-place-to-break-${'x'.repeat(200)}`, 1],
    ]);
    await app.call('visits', 'set', 7, 1);
    await app.call('drafts', 'set', 'a', 1, { ttlMs: 3_600_000 });
  });
  afterAll(() => app?.stop());

  describe('with the keyboard alone', () => {
    it('leads from the overview into an entry and back', async () => {
      const { page, heading, panel, value } = await open();
      await page.keyboard.press('Tab');
      expect(await focused(page)).toBe('a Skip to the content');
      await page.keyboard.press('Enter');
      await tabTo(page, 'notes');
      await page.keyboard.press('Enter');
      await heading.filter({ hasText: 'notes' }).waitFor();
      expect(await focused(page)).toBe('h1 notes');
      await tabTo(page, 'Key');
      await page.keyboard.type('list:00');
      await page.keyboard.press('Enter');
      await page.getByText('10 entries on this page.').waitFor();
      await tabTo(page, 'list:000');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      expect(await focused(page)).toBe('a list:002');
      await page.keyboard.press('End');
      expect(await focused(page)).toBe('a list:009');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Enter');
      await value.filter({ hasText: '"i": 8' }).waitFor();
      expect(await focused(page)).toBe('h2 list:008');
      await page.keyboard.press('Escape');
      await panel.waitFor({ state: 'hidden' });
      expect(await focused(page)).toBe('a list:008');
    });

    it('turns pages, and is then at the beginning of the next one', async () => {
      const inspector = await show('namespace');
      const { page } = inspector;
      await tabTo(page, 'Next page');
      await page.keyboard.press('Enter');
      await inspector.link('list:059').waitFor();
      expect(await focused(page)).toBe('p 11 entries on this page.');
    });

    it('edits, with the focus kept in the dialog and given back by Escape', async () => {
      const { page, dialog, value } = await open('#/ns/drafts?key=a');
      await value.waitFor();
      await tabTo(page, 'Edit');
      await page.keyboard.press('Enter');
      await dialog.waitFor();
      expect(await focused(page)).toContain('textarea Value');
      const round: string[] = [];
      for (let i = 0; i < 6; i += 1) {
        await page.keyboard.press('Tab');
        round.push(await focused(page));
      }
      expect(round).toEqual([0, 1].flatMap(() => ['button Cancel', 'button Save', 'textarea Value']));
      await page.keyboard.press('Shift+Tab');
      expect(await focused(page)).toBe('button Save');
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      expect(await focused(page)).toBe('button Edit');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Control+A');
      await page.keyboard.type('42');
      await tabTo(page, 'Save');
      await page.keyboard.press('Enter');
      await value.filter({ hasText: /^42$/ }).waitFor();
      await app.call('drafts', 'set', 'a', 1, { ttlMs: 3_600_000 });
    });

    it('shows where the focus is, on whatever it comes to', async () => {
      const { page } = await show('entry');
      const seen = new Set<string>();
      for (let i = 0; i < 90; i += 1) {
        await page.keyboard.press('Tab');
        const name = await focused(page);
        if (name.startsWith('body')) break;
        expect(await showsFocus(page), name).toBe(true);
        seen.add(name);
      }
      for (const name of [
        'button Close',
        'pre Value',
        'button Delete',
        'button Search',
        'button Theme: System',
      ])
        expect([...seen], name).toContain(name);
    });
  });

  describe('on a phone', () => {
    it.each(Object.keys(VIEWS) as (keyof typeof VIEWS)[])('needs no scrolling sideways: %s', async (view) => {
      const { page } = await show(view, { viewport: PHONE, hasTouch: true });
      expect(await overhangOf(page)).toBe(0);
      expect(await stickingOut(page)).toEqual([]);
    });

    it('shows either the list or the entry, and dialogs that fit', async () => {
      const inspector = await open('#/ns/notes', { viewport: PHONE, hasTouch: true });
      await inspector.link('list:003').tap();
      await inspector.value.filter({ hasText: '"i": 3' }).waitFor();
      expect(await inspector.link('list:003').isVisible()).toBe(false);
      await inspector.button('Edit').tap();
      expect(await overhangOf(inspector.page)).toBe(0);
      const box = await inspector.dialog.boundingBox();
      expect(box!.x).toBeGreaterThanOrEqual(0);
      expect(box!.x + box!.width).toBeLessThanOrEqual(PHONE.width);
      await inspector.dialog.getByRole('button', { name: 'Cancel' }).tap();
      await inspector.button('Close').tap();
      await inspector.link('list:003').waitFor();
    });
  });

  describe('dark or light', () => {
    it('is as the system is', async () => {
      expect(await brightnessOf((await open('', { colorScheme: 'light' })).page)).toBeGreaterThan(200);
      expect(await brightnessOf((await open('', { colorScheme: 'dark' })).page)).toBeLessThan(60);
    });

    it('is as was chosen, and stays so', async () => {
      const { page } = await open('', { colorScheme: 'dark' });
      await page.getByRole('button', { name: 'Theme: System' }).click();
      await page.getByRole('button', { name: 'Theme: Light' }).waitFor();
      expect(await brightnessOf(page)).toBeGreaterThan(200);
      await page.reload();
      expect(await brightnessOf(page)).toBeGreaterThan(200);
      await page.getByRole('button', { name: 'Theme: Light' }).click();
      await page.getByRole('button', { name: 'Theme: Dark' }).click();
      await page.getByRole('button', { name: 'Theme: System' }).waitFor();
      expect(await brightnessOf(page)).toBeLessThan(60);
    });
  });

  it('moves nothing where the system asks for less motion', async () => {
    const { page } = await show('overview', { reducedMotion: 'reduce' });
    expect(
      await page.evaluate(
        `[...document.querySelectorAll('*')].filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length`,
      ),
    ).toBe(0);
  });

  describe.each(SCHEMES)('axe finds no fault: %s', (colorScheme) => {
    const options = { colorScheme, bypassCSP: true, reducedMotion: 'reduce' } as const;

    it.each(Object.keys(VIEWS) as (keyof typeof VIEWS)[])('%s', async (view) => {
      const { page } = await show(view, options);
      expect(await violationsOf(page)).toEqual([]);
      await page.setViewportSize(PHONE);
      expect(await violationsOf(page)).toEqual([]);
    });

    it('dialogs', async () => {
      const inspector = await show('entry', options);
      for (const [opener, ready] of [
        ['Edit', 'Save'],
        ['Delete', 'Cancel'],
        ['Clear …', 'Cancel'],
      ] as const) {
        await inspector.button(opener).click();
        await inspector.dialog.getByRole('button', { name: ready }).waitFor();
        expect(await violationsOf(inspector.page), opener).toEqual([]);
        await inspector.page.keyboard.press('Escape');
        await inspector.dialog.waitFor({ state: 'detached' });
      }
    });

    it('a conflict, an error and a notice', async () => {
      await app.call('visits', 'set', 7, 1, { ttlMs: 3_600_000 });
      const inspector = await open('#/ns/visits?key=7', options);
      await inspector.value.filter({ hasText: /^1$/ }).waitFor();
      await inspector.button('Edit').click();
      await inspector.field.fill('2');
      await app.call('visits', 'set', 7, 3, { ttlMs: 3_600_000 });
      browser!.expectComplaints(/status of 4\d\d/);
      await inspector.button('Save').click();
      await inspector.dialog.getByRole('region').waitFor();
      expect(await violationsOf(inspector.page)).toEqual([]);
      await inspector.button('Keep my text').click();
      await inspector.field.fill('{');
      await inspector.button('Save').click();
      await inspector.dialog.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
      expect(await violationsOf(inspector.page)).toEqual([]);
      await inspector.page.keyboard.press('Escape');
      await inspector.button('Flush').click();
      await inspector.notices.waitFor();
      expect(await violationsOf(inspector.page)).toEqual([]);
    });
  });
});
