import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { installOn, nestLines, startScript } from '../support/nest-lines.js';
import { tempFolder } from '../support/temp-folder.js';
import { examplesOf } from './support/examples.js';

/** Starts of processes, on a busy machine. */
const TIMEOUT_MS = 300_000;

/** The application of the page, as the compiler of Nest's CLI makes it. */
function application(): string {
  const [example] = examplesOf('docs/decorators.md');
  return ts.transpileModule(example?.code ?? '', {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  }).outputText;
}

/** Asks the application, and prints each answer on a line. */
const asking = (requests: readonly string[]): string => `
  const { AppModule } = await import('./app.mjs');
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0);
  for (const request of ${JSON.stringify(requests)}) {
    const [method, path] = request.split(' ');
    const response = await fetch((await app.getUrl()) + path, { method });
    const text = await response.text();
    console.log(request + ': ' + (response.ok ? text : response.status));
  }
  await app.close();`;

describe.each(nestLines)('the application of docs/decorators.md, on %s', (line) => {
  it('is cached, over a restart, as the page says', { timeout: TIMEOUT_MS }, async () => {
    const folder = tempFolder();
    installOn(line, folder);
    writeFileSync(join(folder, 'app.mjs'), application());
    const answersTo = async (...requests: string[]): Promise<string[]> => {
      const { output } = await startScript(folder, asking(requests)).ended;
      return output.trim().split('\n');
    };
    expect(
      await answersTo(
        'GET /forecasts/oslo',
        'GET /forecasts/oslo',
        'GET /forecasts/atlantis',
        'PUT /forecasts/rome/30',
      ),
    ).toEqual([
      'GET /forecasts/oslo: {"city":"oslo","degrees":[17,21,19],"asked":1}',
      'GET /forecasts/oslo: {"city":"oslo","degrees":[17,21,19],"asked":1}',
      'GET /forecasts/atlantis: 404',
      'PUT /forecasts/rome/30: {"city":"rome","degrees":[30]}',
    ]);
    expect(
      await answersTo(
        'GET /forecasts/oslo',
        'GET /forecasts/rome',
        'DELETE /forecasts/oslo',
        'GET /forecasts/oslo',
      ),
    ).toEqual([
      'GET /forecasts/oslo: {"city":"oslo","degrees":[17,21,19],"asked":0}',
      'GET /forecasts/rome: {"city":"rome","degrees":[30],"asked":0}',
      'DELETE /forecasts/oslo: ',
      'GET /forecasts/oslo: {"city":"oslo","degrees":[17,21,19],"asked":1}',
    ]);
  });
});
