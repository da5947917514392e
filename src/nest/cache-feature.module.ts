import { Module } from '@nestjs/common';

/** Holds the namespaces that one feature module declares. */
@Module({})
export class CacheFeatureModule {}
