import { Module } from '@nestjs/common';

/** Holds the engine of one application. Always global, so that `forFeature` finds it; exports nothing an app would use. */
@Module({})
export class CacheCoreModule {}
