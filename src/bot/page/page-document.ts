import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The page, and the policy that lets a browser run what is in it and nothing else. */
export interface PageDocument {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/** Reads the page, one file without any others. */
export function loadPageDocument(): PageDocument {
  const html = readFileSync(join(__dirname, 'chat.html'), 'utf8');
  const contentSecurityPolicy = [
    "default-src 'none'",
    `script-src ${hashOf('script', html)}`,
    `style-src ${hashOf('style', html)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, contentSecurityPolicy };
}

function hashOf(element: 'script' | 'style', html: string): string {
  const content = new RegExp(`<${element}>(?<content>.*?)</${element}>`, 's').exec(html)?.groups?.['content'];
  if (content === undefined) throw new Error(`The page has no <${element}>.`);
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}
