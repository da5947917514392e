import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBrowser } from '../support/browser.js';
import { postgresServer } from '../support/services.js';
import { InspectedApp } from './support/inspected-app.js';
import { InspectorPage } from './support/inspector-page.js';

const browser = testBrowser();
const postgres = await postgresServer();

describe.skipIf(browser === undefined || postgres === undefined)('Looking into one of two instances', () => {
  let app: InspectedApp;
  let other: InspectedApp;
  const open = async (hash = ''): Promise<InspectorPage> =>
    new InspectorPage(await browser!.open(app.url(hash))).connected();

  beforeAll(async () => {
    const storage = { type: 'postgres', url: await postgres!.newDatabase() };
    app = await InspectedApp.start({ storage, inspector: { actions: true } });
    other = await InspectedApp.start({ storage });
  });
  afterAll(() => Promise.all([app, other].map((one) => one?.stop())));

  it('shows both, and which one it is', async () => {
    const inspector = await open();
    const instances = inspector.page.getByRole('table', { name: 'Instances' }).getByRole('row');
    await instances.nth(2).waitFor();
    expect(await instances.count()).toBe(3);
    expect(await instances.filter({ hasText: 'this one' }).count()).toBe(1);
    expect(await inspector.page.locator('#source').textContent()).toContain('many instances');
  });

  it('shows what the other one changes, in the list and in the entry that is open', async () => {
    await app.call('notes', 'set', 'shared', { by: 'this one' });
    const inspector = await open('#/ns/notes?key=shared');
    await inspector.value.filter({ hasText: 'this one' }).waitFor();
    await other.call('notes', 'set', 'shared', { by: 'the other one' });
    await inspector.value.filter({ hasText: 'the other one' }).waitFor();
    await inspector.page
      .locator('#announcements')
      .filter({ hasText: 'shared has changed.' })
      .waitFor({ state: 'attached' });
    await other.call('notes', 'set', 'new', 1);
    await inspector.link('new').waitFor();
    await other.call('notes', 'delete', 'shared');
    await inspector.panel.getByText('This entry is gone').waitFor();
    browser!.expectComplaints(/status of 404/);
  });

  it('refuses an edit of what the other one has changed meanwhile', async () => {
    await app.call('notes', 'set', 'contested', 'first');
    const inspector = await open('#/ns/notes?key=contested');
    await inspector.button('Edit').click();
    await other.call('notes', 'set', 'contested', 'theirs');
    await inspector.field.fill('"mine"');
    browser!.expectComplaints(/status of 409/);
    await inspector.button('Save').click();
    await inspector.dialog.getByRole('region').filter({ hasText: '"theirs"' }).waitFor();
    expect(await other.call('notes', 'get', 'contested', { fresh: true })).toBe('theirs');
  });
});
