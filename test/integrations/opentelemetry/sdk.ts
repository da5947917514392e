import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { onTestFinished, vi } from 'vitest';

/** A line of a scrape. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What Prometheus is given. */
export class Scrape {
  readonly samples: readonly Sample[];

  constructor(readonly text: string) {
    this.samples = Array.from(
      text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm),
      ([, name = '', labels = '', value]) => ({
        name,
        labels: Object.fromEntries(
          Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, label = '', text_ = '']) => [label, text_]),
        ),
        value: Number(value),
      }),
    );
  }

  get names(): ReadonlySet<string> {
    return new Set(this.samples.map(({ name }) => name));
  }

  /** The value of a metric, of one namespace where one is named; `undefined` where there is no such series. */
  value(name: string, namespace?: string): number | undefined {
    const found = this.samples.filter(
      (sample) => sample.name === name && sample.labels['cache_namespace'] === namespace,
    );
    if (found.length > 1) throw new Error(`${name} is there ${found.length} times`);
    return found[0]?.value;
  }
}

/** The SDK of OpenTelemetry as an application sets it up, with its spans in memory and its metrics for Prometheus. */
export class Sdk {
  readonly spans = new InMemorySpanExporter();
  readonly tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(this.spans)],
  });
  readonly tracer = this.tracerProvider.getTracer('application');
  readonly #prometheus = new PrometheusExporter({ preventServerStart: true });
  readonly meterProvider = new MeterProvider({ readers: [this.#prometheus] });
  readonly #server: Server = createServer((request, response) =>
    this.#prometheus.getMetricsRequestHandler(request, response),
  );

  /** Ends with the test. */
  static async start(): Promise<Sdk> {
    const sdk = new Sdk();
    sdk.#server.listen(0, '127.0.0.1');
    await once(sdk.#server, 'listening');
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    onTestFinished(async () => {
      context.disable();
      sdk.#server.close();
      await sdk.meterProvider.shutdown();
      await sdk.tracerProvider.shutdown();
    });
    return sdk;
  }

  async scrape(): Promise<Scrape> {
    const { port } = this.#server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return new Scrape(await response.text());
  }

  /** Runs a task in a span of the application; resolves with that. */
  async request(name: string, task: () => Promise<unknown>): Promise<ReadableSpan> {
    await this.tracer.startActiveSpan(name, async (span) => {
      await task();
      span.end();
    });
    return this.span(name);
  }

  /** The one span of this name that has ended. */
  span(name: string): ReadableSpan {
    const [span, ...others] = this.named(name);
    if (span === undefined || others.length > 0)
      throw new Error(`${others.length + (span === undefined ? 0 : 1)} spans are called ${name}`);
    return span;
  }

  /** The same as soon as it has ended: a flush ends after its caller has heard of it. */
  endedSpan(name: string): Promise<ReadableSpan> {
    return vi.waitFor(() => this.span(name), { timeout: 10_000 });
  }

  /** The commits that wrote: expired rows are removed now and then. */
  get writes(): ReadableSpan[] {
    return this.named('cache.commit').filter(
      ({ attributes }) => attributes['cache.commit.operation'] === 'write',
    );
  }

  named(name: string): ReadableSpan[] {
    return this.spans.getFinishedSpans().filter((span) => span.name === name);
  }
}

export const isFailed = ({ status }: ReadableSpan): boolean => status.code === SpanStatusCode.ERROR;

export const isChildOf = (child: ReadableSpan, parent: ReadableSpan): boolean =>
  child.parentSpanContext?.spanId === parent.spanContext().spanId &&
  child.spanContext().traceId === parent.spanContext().traceId;
