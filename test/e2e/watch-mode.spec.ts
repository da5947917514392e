import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Child } from '../support/child-process.js';
import { tempFolder } from '../support/temp-folder.js';

const NEST = resolve('node_modules/@nestjs/cli/bin/nest.js');
const folder = tempFolder();
let nest: Child | undefined;
afterEach(async () => {
  // As a terminal does: to the CLI, the shell that it starts, and the application.
  const { pid, exitCode } = nest?.process ?? {};
  if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGINT');
  await nest?.ended;
});

/** An application that says what the one before it has left. */
function write(version: number): void {
  writeFileSync(
    join(folder, 'src/main.ts'),
    `import 'reflect-metadata';
     import { Module } from '@nestjs/common';
     import { NestFactory } from '@nestjs/core';
     import { CacheModule, CacheService } from ${JSON.stringify(resolve('dist/src/index.js'))};

     @Module({ imports: [CacheModule.forRoot()] })
     class AppModule {}

     async function start(): Promise<void> {
       const app = await NestFactory.createApplicationContext(AppModule);
       app.enableShutdownHooks();
       const cache = app.get(CacheService);
       console.log('version ${version} found', JSON.stringify(await cache.getChatSettings(1)));
       await cache.setChatSettings(1, { version: ${version} });
       console.log('version ${version} is there');
       setInterval(() => undefined, 1000);
     }
     void start();
    `,
  );
}

it(
  'nest start --watch goes on with what the version before has left, and waits for nobody',
  { timeout: 90_000 },
  async () => {
    mkdirSync(join(folder, 'src'));
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
    writeFileSync(join(folder, 'nest-cli.json'), '{ "sourceRoot": "src" }');
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      outDir: 'dist',
      rootDir: 'src',
      types: ['node'],
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      skipLibCheck: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    write(1);
    nest = new Child(process.execPath, [NEST, 'start', '--watch'], { cwd: folder, detached: true });
    await nest.prints(/version 1 is there/);
    write(2);
    await nest.prints(/version 2 found {"version":1}/);
    await nest.prints(/version 2 is there/);
    expect(nest.output).not.toMatch(/WARN|ERROR|waits for/);
  },
);
