import { Test } from '@nestjs/testing';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { CacheModule, CachePersistenceLevel, CacheService, InMemoryStorage } from 'nestjs-durable-cache';
import { defineNamespace, json, stringKey } from 'nestjs-durable-cache';
import { CacheTelemetryModule } from 'nestjs-durable-cache/opentelemetry';

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

const words = defineNamespace({
  name: 'words',
  key: stringKey(),
  value: json<string>(),
  persistence: CachePersistenceLevel.ON_CHANGE,
});

describe('telemetry', () => {
  it('measures the cache, and makes spans of its commits', async () => {
    const exporter = new InMemorySpanExporter();
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const reader = new Reader();
    const meterProvider = new MeterProvider({ readers: [reader] });
    const module = await Test.createTestingModule({
      imports: [
        CacheModule.forRoot({ storage: new InMemoryStorage(), namespaces: [words] }),
        CacheTelemetryModule.forRoot({ meterProvider, tracerProvider }),
      ],
    }).compile();
    await module.init();
    const cache = module.get(CacheService).namespace(words);
    await cache.set('a', 'b');
    expect(cache.getIfPresent('a')).toBe('b');
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toContain('cache.commit');
    const { resourceMetrics } = await reader.collect();
    const [{ metrics }] = resourceMetrics.scopeMetrics as [(typeof resourceMetrics.scopeMetrics)[number]];
    const hits = metrics.find(({ descriptor }) => descriptor.name === 'cache.hits');
    const ofWords = hits?.dataPoints.find(({ attributes }) => attributes['cache.namespace'] === 'words');
    expect(ofWords?.value).toBe(1);
    await module.close();
  });
});
