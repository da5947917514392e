import { placeOf } from './address.js';
import { Announcer } from './announcer.js';
import { ConnectionSign } from './connection-sign.js';
import { element, setText } from './element.js';
import { History } from './history.js';
import { LiveFeed } from './live-feed.js';
import { NamespaceView } from './namespace-view.js';
import { Operations } from './operations.js';
import { OverviewView } from './overview-view.js';
import { PlaceList } from './place-list.js';
import { Server } from './server.js';
import { offerThemes } from './theme.js';

/** @typedef {import('./contract.js').Overview} Overview */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const base = document.querySelector('meta[name="cache-base"]')?.getAttribute('content') ?? '';

const server = new Server(base);
const history = new History();
const announcer = new Announcer(byId('announcements'), byId('notices'));
const sign = new ConnectionSign(byId('connection'));
const places = new PlaceList(byId('places'));
const operations = new Operations(server, announcer, () => refresh());
const say = (/** @type {string} */ text) => announcer.say(text);
const main = byId('main');

/** @type {Overview | undefined} */
let latest;
/** @type {OverviewView | NamespaceView | undefined} */
let view;

function refresh() {
  if (view instanceof NamespaceView) void view.refresh();
}

/** Shows what the address says. @param {boolean} moved whether somebody has gone there, rather than opened the page */
async function show(moved) {
  const place = placeOf(location.hash);
  places.here = place;
  const stays = view instanceof NamespaceView && place.view === 'namespace' && place.name === view.name;
  if (!stays)
    enter(
      place.view === 'overview'
        ? new OverviewView(operations, say)
        : new NamespaceView(place.name, server, operations, say),
    );
  document.title = `${view?.title} · Cache inspector`;
  if (moved && !stays) {
    view?.heading.focus();
    scrollTo(0, 0);
  }
  if (!(view instanceof NamespaceView) || place.view === 'overview') return;
  const going = view.go(place);
  if (moved && stays) view.focusEntry();
  await going;
}

/** @param {OverviewView | NamespaceView} next */
function enter(next) {
  view?.leave();
  view = next;
  main.replaceChildren(
    latest === undefined
      ? element('p', { class: 'empty', role: 'status' }, 'Connecting to the application …')
      : next.root,
  );
  if (latest !== undefined) next.overview(latest);
  next.samples(history);
}

const feed = new LiveFeed(server.events, {
  connection(state) {
    sign.state = state;
  },
  history(samples) {
    history.replace(samples);
    view?.samples(history);
    refresh();
  },
  overview(overview) {
    const first = latest === undefined;
    latest = overview;
    sign.seen = overview.at;
    setText(byId('source'), sourceOf(overview));
    places.update(overview);
    if (view !== undefined && first) main.replaceChildren(view.root);
    view?.overview(overview);
    if (first) view?.samples(history);
  },
  sample(sample) {
    history.add(sample);
    view?.samples(history);
    refresh();
  },
});

/** @param {Overview} overview */
function sourceOf({ host, database, mode }) {
  const stored = database === undefined ? 'no database' : database;
  return `${host} · ${stored} · ${mode === 'many' ? 'many instances' : 'one instance'}`;
}

byId('skip').addEventListener('click', (event) => {
  // The part of the address behind # says where somebody is, and must stay.
  event.preventDefault();
  main.focus();
});
byId('live').addEventListener('click', () => {
  feed.running = !feed.running;
  byId('live').setAttribute('aria-pressed', String(feed.running));
});
offerThemes(byId('theme'), () => view?.recolour());
addEventListener('hashchange', () => void show(true));
setInterval(() => view?.tick(), 1000);
void show(false);
feed.start();
