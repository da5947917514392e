import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBrowser } from '../support/browser.js';
import { tempFolder } from '../support/temp-folder.js';
import { InspectedApp } from './support/inspected-app.js';
import { InspectorPage } from './support/inspector-page.js';
import { focused } from './support/layout.js';

const browser = testBrowser();

describe.skipIf(browser === undefined)('Changing a running cache', () => {
  const folder = tempFolder();
  let app: InspectedApp;
  const open = async (hash = ''): Promise<InspectorPage> =>
    new InspectorPage(await browser!.open(app.url(hash))).connected();
  const edit = async (hash: string): Promise<InspectorPage> => {
    const inspector = await open(hash);
    await inspector.button('Edit').click();
    await inspector.dialog.waitFor();
    return inspector;
  };

  beforeAll(async () => {
    app = await InspectedApp.start({
      storage: { type: 'sqlite', database: `${folder}/app.sqlite` },
      inspector: { actions: true },
    });
  });
  afterAll(() => app?.stop());

  it('stores what was edited, and keeps the expiry', async () => {
    await app.call('notes', 'set', 'edited', { cups: 1 }, { ttlMs: 3_600_000 });
    const inspector = await edit('#/ns/notes?key=edited');
    await inspector.field.fill('{ "cups": 2 }');
    await inspector.button('Save').click();
    await inspector.notices.getByText('Saved edited.').waitFor();
    await inspector.value.filter({ hasText: '"cups": 2' }).waitFor();
    expect(await app.call('notes', 'get', 'edited')).toEqual({ cups: 2 });
    expect(await app.call('notes', 'ttl', 'edited')).toBeGreaterThan(3_500_000);
  });

  it('says what the codec has against a value, and keeps the text', async () => {
    await app.call('notes', 'set', 'mistyped', 1);
    const inspector = await edit('#/ns/notes?key=mistyped');
    browser!.expectComplaints(/status of 400/);
    await inspector.field.fill('{ "cups": ');
    await inspector.button('Save').click();
    await inspector.dialog.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
    expect(await inspector.field.inputValue()).toBe('{ "cups": ');
    expect(await app.call('notes', 'get', 'mistyped')).toBe(1);
  });

  it.each([
    ['takes the stored value where somebody else was first', 'Reload: take the stored value', '"theirs"'],
    ['keeps the text, and stores it over the other’s when told so', 'Keep my text', '"mine"'],
  ])('%s', async (_what, choice, stored) => {
    await app.call('notes', 'set', 'contested', 'first');
    const inspector = await edit('#/ns/notes?key=contested');
    await inspector.field.fill('"mine"');
    await app.call('notes', 'set', 'contested', 'theirs');
    browser!.expectComplaints(/status of 409/);
    await inspector.button('Save').click();
    await inspector.dialog.getByText('Somebody else has changed this entry since you began.').waitFor();
    expect(await inspector.dialog.getByRole('region').textContent()).toBe('"theirs"');
    expect(await app.call('notes', 'get', 'contested')).toBe('theirs');
    await inspector.button(choice).click();
    expect(await inspector.field.inputValue()).toBe(stored);
    await inspector.button('Save').click();
    await inspector.notices.getByText('Saved contested.').waitFor();
    expect(await app.call('notes', 'get', 'contested')).toBe(JSON.parse(stored));
  });

  it('deletes an entry after a question, and not after a no', async () => {
    await app.call('notes', 'set', 'doomed', 1);
    const inspector = await open('#/ns/notes?key=doomed');
    await inspector.button('Delete').click();
    await inspector.dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await app.call('notes', 'get', 'doomed')).toBe(1);
    await inspector.button('Delete').click();
    await inspector.dialog.getByRole('button', { name: 'Delete' }).click();
    await inspector.notices.getByText('Deleted doomed.').waitFor();
    expect(await app.call('notes', 'has', 'doomed')).toBe(false);
    await inspector.link('doomed').waitFor({ state: 'detached' });
    expect(await inspector.panel.isVisible()).toBe(false);
  });

  it('clears a namespace when its name was typed, and not before', async () => {
    await app.call('members', 'set', [1, 2], 'x');
    const inspector = await open('#/ns/members');
    await inspector.link('1:2').waitFor();
    await inspector.button('Clear …').click();
    await inspector.field.fill('member');
    await inspector.page.keyboard.press('Enter');
    await inspector.dialog.getByText('That is not members.').waitFor();
    expect(await app.call('members', 'count')).toBe(1);
    await inspector.field.fill('members');
    await inspector.dialog.getByRole('button', { name: 'Clear' }).click();
    await inspector.page.getByText('This namespace is empty.').waitFor();
    expect(await app.call('members', 'count')).toBe(0);
  });

  it('writes what is dirty', async () => {
    await app.call('visits', 'set', 7, 1);
    const inspector = await open('#/ns/visits?key=7');
    await inspector.fact('Database').filter({ hasText: 'not written yet' }).waitFor();
    await inspector.button('Flush').click();
    await inspector.notices.getByText(/^Wrote 1 entry in /).waitFor();
    await inspector
      .fact('Database')
      .filter({ hasText: /^written$/ })
      .waitFor();
  });

  it('reads an entry again, and loads all', async () => {
    await app.call('notes', 'set', 'again', 1);
    const inspector = await open('#/ns/notes?key=again');
    await inspector.button('Refresh').click();
    await inspector.notices.getByText('Read again again from the database.').waitFor();
    await inspector.page.goto(app.url('#/'));
    await inspector.button('Flush all').click();
    await inspector.notices.getByText(/^Wrote \d+ entr/).waitFor();
    await inspector.button('Reload from the database').click();
    await inspector.notices.getByText(/^Loaded \d+ entr/).waitFor();
  });

  it('leaves what is being typed, and the focus, where they are while figures and entries change', async () => {
    await app.call('drafts', 'set', 'b', 1);
    const inspector = await open('#/ns/drafts');
    await inspector.link('b').waitFor();
    const field = inspector.page.getByLabel('Key', { exact: true });
    await field.fill('half a ke');
    await app.call('drafts', 'set', 'a', 1);
    await inspector.link('a').waitFor();
    expect(await field.inputValue()).toBe('half a ke');
    await inspector.link('b').focus();
    await app.call('drafts', 'set', '0', 1);
    await inspector.link('0').waitFor();
    expect(await focused(inspector.page)).toBe('a b');
    await app.call('drafts', 'delete', 'b');
    await inspector.row('b').getByText('gone').waitFor();
    expect(await focused(inspector.page)).toBe('a b');
    await field.focus();
    await inspector.link('b').waitFor({ state: 'detached' });
  });
});
