import { Module } from '@nestjs/common';

/** Holds the hooks that come before those of every other module at the stop. Not global: it shows how it was loaded. */
@Module({})
export class CacheStopModule {}
