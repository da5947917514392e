import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import {
  DurableCacheHealthIndicator,
  type CacheHealthOptions,
} from '../../../src/integrations/terminus/index.js';

/** The token of what the probe of a test asks with. */
export const PROBE_OPTIONS = Symbol('PROBE_OPTIONS');

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly cache: DurableCacheHealthIndicator,
    @Inject(PROBE_OPTIONS) private readonly options: CacheHealthOptions | undefined,
  ) {}

  @Get()
  @HealthCheck()
  ready() {
    return this.health.check([() => this.cache.check('cache', this.options)]);
  }
}
