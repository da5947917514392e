import { Module } from '@nestjs/common';
import { CacheModule } from '../../index.js';
import { PrimeCounter } from './prime-counter.js';
import { PrimesCommands } from './primes.commands.js';
import { primesNamespace } from './primes.namespace.js';

/** A feature that declares a namespace of its own. */
@Module({
  imports: [CacheModule.forFeature([primesNamespace])],
  providers: [PrimeCounter, PrimesCommands],
  exports: [PrimesCommands],
})
export class PrimesModule {}
