import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { send } from '../http/answer.js';
import type { Exchange } from '../http/exchange.js';
import { Refusal } from '../http/refusal.js';

const FOLDER = join(__dirname, '..', 'page');
const PAGE = 'page.html';

/** What is served, by the end of its name. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Files of the library that draws the charts. */
const OF_CHARTS: Readonly<Record<string, string>> = {
  'uplot.js': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
};

interface PageFile {
  readonly type: string;
  readonly content: Buffer;
  readonly etag: string;
}

/** The page and its files, all of which come from installed packages. Read once, when the page is first asked for. */
export class PageFiles {
  #files: Map<string, PageFile> | undefined;

  /** Sends the page, which finds everything else under `base`. */
  sendPage(exchange: Exchange, base: string): void {
    const page = this.#file(PAGE);
    const html = page.content.toString('utf8').replaceAll('{{base}}', () => escaped(base));
    send(exchange, 200, { 'Content-Type': page.type, 'Cache-Control': 'no-cache' }, html);
  }

  /** Sends one of its files, unless the browser has it. */
  sendAsset(exchange: Exchange, name: string): void {
    const { type, content, etag } = this.#file(name);
    const headers = { 'Content-Type': type, 'Cache-Control': 'no-cache', ETag: etag };
    const isKnown = exchange.request.headers['if-none-match'] === etag;
    if (isKnown) send(exchange, 304, headers, '');
    else send(exchange, 200, headers, content);
  }

  #file(name: string): PageFile {
    const files = (this.#files ??= ownFiles());
    const file = files.get(name) ?? ofCharts(name);
    if (file === undefined) throw new Refusal(404, 'NOT_FOUND', 'There is no such file.');
    files.set(name, file);
    return file;
  }
}

function ownFiles(): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const name of readdirSync(FOLDER)) {
    if (extname(name) in TYPES) files.set(name, fileOf(name, readFileSync(join(FOLDER, name))));
  }
  return files;
}

function ofCharts(name: string): PageFile | undefined {
  const path = Object.hasOwn(OF_CHARTS, name) ? OF_CHARTS[name] : undefined;
  return path === undefined ? undefined : fileOf(name, readFileSync(require.resolve(path)));
}

function fileOf(name: string, content: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(content).digest('base64url')}"`;
  return { type: TYPES[extname(name)] ?? 'application/octet-stream', content, etag };
}

/** As the value of an attribute. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
