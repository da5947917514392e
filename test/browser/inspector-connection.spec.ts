import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBrowser } from '../support/browser.js';
import { tempFolder } from '../support/temp-folder.js';
import { Front } from './support/front.js';
import { InspectedApp } from './support/inspected-app.js';
import { InspectorPage } from './support/inspector-page.js';

const browser = testBrowser();

describe.skipIf(browser === undefined)('The connection of the inspector', () => {
  const folder = tempFolder();
  const front = new Front();
  let app: InspectedApp;
  const start = async (): Promise<void> => {
    app = await InspectedApp.start({
      storage: { type: 'sqlite', database: `${folder}/app.sqlite` },
      inspector: { actions: true },
    });
    front.target = app.port;
  };
  beforeAll(start);
  afterAll(() => app?.stop());

  const open = async (hash = ''): Promise<InspectorPage> =>
    new InspectorPage(await browser!.open(`${front.url}/cache${hash}`)).connected();

  it.each(['gracefully', 'at once'] as const)(
    'is said to be lost when the application stops %s, and comes back with it',
    async (how) => {
      await app.call('notes', 'set', 'kept', 1);
      const inspector = await open('#/ns/notes');
      await inspector.link('kept').waitFor();
      browser!.expectComplaints(/net::ERR_/);
      await app.stop(how);
      front.target = undefined;
      await inspector.connection
        .filter({ hasText: /^Connection lost, trying again … Figures of / })
        .waitFor();
      expect(await inspector.keys()).toContain('kept');
      await inspector.button('Flush').click();
      await inspector.notices.getByText('The application does not answer.').waitFor();
      await start();
      await inspector.connected();
      await app.call('notes', 'set', `since ${how}`, 1);
      await inspector.link(`since ${how}`).waitFor();
    },
  );

  it('is said to be lost when an application is frozen, which breaks no connection', async () => {
    const inspector = await open();
    const thaw = app.freeze();
    try {
      await inspector.connection.filter({ hasText: 'Connection lost' }).waitFor();
    } finally {
      thaw();
    }
    await inspector.connected();
  });

  it('can be paused, so that nothing changes by itself, and goes on', async () => {
    const inspector = await open('#/ns/drafts');
    await inspector.page.getByText('This namespace is empty.').waitFor();
    await inspector.button('Live').click();
    await inspector.connection.filter({ hasText: 'Paused' }).waitFor();
    const requests: string[] = [];
    inspector.page.on('request', (request) => requests.push(request.url()));
    await app.call('drafts', 'set', 'a', 1);
    // As long as two samples take, told by a page that is not paused.
    const beside = await open('#/ns/drafts');
    await beside.link('a').waitFor();
    expect(requests).toEqual([]);
    expect(await inspector.keys()).toEqual([]);
    await inspector.button('Live').click();
    await inspector.link('a').waitFor();
  });

  it('is tried again where the application has refused it', async () => {
    const inspector = await open();
    browser!.expectComplaints(/status of 403/);
    await inspector.page.route('**/api/events', (route) => route.fulfill({ status: 403, body: '' }));
    await inspector.button('Live').click();
    await inspector.button('Live').click();
    await inspector.connection.filter({ hasText: 'Connection lost' }).waitFor();
    await inspector.page.unroute('**/api/events');
    await inspector.connected();
  });
});
