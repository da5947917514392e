import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBrowser } from '../support/browser.js';
import { tempFolder } from '../support/temp-folder.js';
import { InspectedApp } from './support/inspected-app.js';
import { InspectorPage } from './support/inspector-page.js';

const browser = testBrowser();

describe.skipIf(browser === undefined)('Looking into a running cache', () => {
  const folder = tempFolder();
  let app: InspectedApp;
  let shy: InspectedApp;
  const open = async (hash = '', at = app): Promise<InspectorPage> =>
    new InspectorPage(await browser!.open(at.url(hash))).connected();

  beforeAll(async () => {
    app = await InspectedApp.start({ storage: { type: 'sqlite', database: `${folder}/app.sqlite` } });
    shy = await InspectedApp.start({
      storage: { type: 'sqlite', database: `${folder}/shy.sqlite` },
      inspector: { values: false, actions: true },
    });
    await app.call('notes', 'set', 'tea', { kind: 'Oolong', cups: 2 });
    const many = Array.from({ length: 120 }, (_, i) => [`list:${String(i).padStart(3, '0')}`, { i }]);
    await app.call('notes', 'setMany', many);
    await app.call('notes', 'set', '<img src=x onerror=alert(1)>', '<script>alert(2)</script>');
    await app.call('members', 'set', [12, 34], { name: 'Alice' });
    await app.call('visits', 'set', 7, 1);
    await app.call('drafts', 'set', 'a', 'not kept');
    await shy.call('notes', 'set', 'secret', 'what nobody shall see');
  });
  afterAll(() => Promise.all([app, shy].map((one) => one?.stop())));

  it('shows each namespace with its level and its figures', async () => {
    const inspector = await open();
    await inspector.page.getByText('Everything works').waitFor();
    expect(await inspector.row('notes').textContent()).toContain('Write-through');
    expect(await inspector.row('visits').textContent()).toContain('Write-back');
    expect(await inspector.row('drafts').textContent()).toContain('Memory only');
    expect(await inspector.row('notes').getByRole('meter').getAttribute('aria-valuetext')).toBe('122 of 200');
    expect(await inspector.row('visits').locator('[data-label="Dirty"]').textContent()).toBe('1');
    expect(await inspector.page.title()).toBe('Overview · Cache inspector');
  });

  it('draws the last minutes, and tells them in words', async () => {
    const inspector = await open();
    const chart = inspector.page.getByRole('img', { name: /^Writes, the last 5 min\. Calls: now / });
    await chart.locator('canvas').waitFor();
    expect(await inspector.page.locator('.chart canvas').count()).toBe(4);
  });

  it('follows what the application does', async () => {
    const inspector = await open();
    const size = inspector.row('drafts').getByRole('meter');
    expect(await size.getAttribute('aria-valuenow')).toBe('1');
    await app.call('drafts', 'set', 'b', 1);
    await inspector.page.locator('[aria-label="Entries of drafts in memory"][aria-valuenow="2"]').waitFor();
    await app.call('drafts', 'delete', 'b');
  });

  it('lists what is stored page by page, and goes back', async () => {
    const inspector = await open('#/ns/notes');
    await inspector.link('list:000').waitFor();
    const first = await inspector.keys();
    expect(first).toHaveLength(50);
    await inspector.button('Next page').click();
    await inspector.link('list:049').waitFor();
    const second = await inspector.keys();
    await inspector.button('Next page').click();
    await inspector.link('tea').waitFor();
    const third = await inspector.keys();
    expect([...first, ...second, ...third]).toHaveLength(122);
    expect(new Set([...first, ...second, ...third]).size).toBe(122);
    expect(await inspector.button('Next page').isVisible()).toBe(false);
    await inspector.page.goBack();
    await inspector.link(second[0]!).waitFor();
    await inspector.button('First page').click();
    await inspector.link('list:000').waitFor();
  });

  it('finds keys by how they begin, and by the whole of them', async () => {
    const inspector = await open('#/ns/notes');
    await inspector.search('list:01');
    await inspector.page.getByText('10 entries on this page.').waitFor();
    expect((await inspector.keys()).every((key) => key.startsWith('list:01'))).toBe(true);
    expect(inspector.page.url()).toContain('prefix=list%3A01');
    await inspector.search('tea', 'The key that is');
    await inspector.link('tea').waitFor();
    expect(await inspector.keys()).toEqual(['tea']);
    await inspector.search('nothing like it');
    await inspector.page.getByText('No key begins with nothing like it.').waitFor();
  });

  it('says of an entry all that is known', async () => {
    await app.call('members', 'set', [12, 35], { name: 'Bob' }, { ttlMs: 3_600_000 });
    const inspector = await open('#/ns/members');
    await inspector.link('12:35').click();
    await inspector.value.filter({ hasText: '"name": "Bob"' }).waitFor();
    expect(await inspector.fact('Level').textContent()).toBe('Write-through');
    expect(await inspector.fact('Size').textContent()).toBe('14 bytes');
    expect(await inspector.fact('Expires').textContent()).toMatch(/^in (?:59 min|1 h)/);
    expect(await inspector.fact('Memory').textContent()).toBe('in memory');
    expect(await inspector.fact('Database').textContent()).toBe('written');
  });

  it('counts down to the expiry, and says when the entry is gone', async () => {
    const inspector = await open('#/ns/drafts');
    await app.call('drafts', 'set', 'short', 'lived', { ttlMs: 10_000 });
    await inspector.link('short').click();
    const expiry = inspector.fact('Expires').filter({ hasText: /^in \d+ s$/ });
    const seconds = /\d+/.exec((await expiry.textContent()) ?? '')?.[0];
    const less = Array.from({ length: Number(seconds) }, (_, i) => i).join('|');
    await inspector
      .fact('Expires')
      .filter({ hasText: new RegExp(`^in (?:${less}) s$`) })
      .waitFor();
    browser!.expectComplaints(/status of 404/);
    await inspector.panel.getByText('This entry is gone: it was deleted, or it has expired.').waitFor();
  });

  it('opens what an address says', async () => {
    const inspector = await open('#/ns/notes?prefix=list%3A00&key=list%3A003');
    await inspector.value.filter({ hasText: '"i": 3' }).waitFor();
    expect(await inspector.page.getByLabel('Key', { exact: true }).inputValue()).toBe('list:00');
    expect(await inspector.keys()).toHaveLength(10);
    expect(await inspector.link('list:003').getAttribute('aria-current')).toBe('true');
  });

  it('has an address for every name and key, which survives a reload', async () => {
    await app.call('odd', 'set', 'x/y?key=z#&%20+ é', 'found');
    const inspector = await open();
    await inspector.link('a/b?c#d%').click();
    await inspector.link('x/y?key=z#&%20+ é').click();
    await inspector.value.filter({ hasText: 'found' }).waitFor();
    await inspector.page.reload();
    await inspector.value.filter({ hasText: 'found' }).waitFor();
    expect(await inspector.heading.textContent()).toBe('a/b?c#d%');
  });

  it('says that a namespace, or an entry, is not there', async () => {
    const inspector = await open('#/ns/nonsense');
    await inspector.page.getByText('This application has no namespace called nonsense.').waitFor();
    browser!.expectComplaints(/status of 404/);
    await inspector.page.goto(app.url('#/ns/notes?key=nonsense'));
    await inspector.panel.getByText('There is no such entry.').waitFor();
  });

  it('shows keys and values as text, whatever they look like', async () => {
    const inspector = await open('#/ns/notes?exact=' + encodeURIComponent('<img src=x onerror=alert(1)>'));
    await inspector.link('<img src=x onerror=alert(1)>').click();
    await inspector.value.filter({ hasText: '<script>alert(2)</script>' }).waitFor();
    expect(await inspector.page.locator('main :is(img, script)').count()).toBe(0);
  });

  it('says that a namespace is empty', async () => {
    const inspector = await open('#/ns/members', shy);
    await inspector.page.getByText('This namespace is empty.').waitFor();
  });

  it('offers no action where actions are off', async () => {
    const inspector = await open('#/ns/notes?key=tea');
    await inspector.value.filter({ hasText: 'Oolong' }).waitFor();
    for (const action of ['Edit', 'Refresh', 'Delete', 'Flush', 'Clear …'])
      expect(await inspector.button(action).isVisible(), action).toBe(false);
    await inspector.page.goto(app.url('#/'));
    await inspector.link('notes').waitFor();
    for (const action of ['Flush all', 'Reload from the database'])
      expect(await inspector.button(action).isVisible(), action).toBe(false);
  });

  it('shows no value where values are hidden, not even to who replaces it', async () => {
    const inspector = await open('#/ns/notes', shy);
    await inspector.link('secret').click();
    await inspector.panel.getByText('Values are not shown here (values: false).').waitFor();
    await inspector.button('Delete').waitFor();
    await inspector.button('Edit').click();
    await inspector.dialog.getByText('what you save takes its place').waitFor();
    expect(await inspector.field.inputValue()).toBe('');
    await inspector.field.fill('"mine"');
    await shy.call('notes', 'set', 'secret', 'what nobody shall see either');
    browser!.expectComplaints(/status of 409/);
    await inspector.button('Save').click();
    await inspector.dialog.getByText('Somebody else has changed this entry since you began.').waitFor();
    expect(await inspector.button('Reload: take the stored value').isVisible()).toBe(false);
    expect(await inspector.page.content()).not.toContain('what nobody shall see');
  });
});
