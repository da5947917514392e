// What the application says to the page, as the application declares it: one that changes alone does not compile.
import type { FlushView } from '../actions/actions.js';
import type { EntriesPage } from '../entries/entry-reader.js';
import type { EntryView } from '../entries/entry-view.js';
import type { Overview } from '../live/overview.js';
import type { Sample } from '../live/sampler.js';
import type { LoadReport } from '../../core/reports.js';

export type { EntriesPage, EntryView as Entry, FlushView as FlushReport, LoadReport, Overview, Sample };
export type ListedEntry = EntriesPage['entries'][number];
export type Failure = Overview['failures'][number];
export type Health = Overview['health'];
export type Instance = Overview['instances'][number];
export type NamespaceFigures = Overview['namespaces'][number];
export type SampledFigures = Sample['namespaces'][string];
