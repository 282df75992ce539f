import { z } from 'zod';
import { SpectrumMetadata } from '../../contracts/spectrum.ts';

/** NaN is not JSON: it travels as null. */
const MaybeNaN = z.number().nullable();

const PartRow = z.object({
  /** Name in `filenames`: the base name where it is unique in the job, else the path below the job's directory. */
  filename: z.string(),
  /** Path in the archive. */
  path: z.string(),
  layout: z.string(),
  metadata: SpectrumMetadata,
  quality: z.object({
    coverage: z.number(),
    longestGap: z.number(),
    medianSnr: MaybeNaN,
    constant: z.boolean(),
    extrapolated: z.boolean(),
    unbridgedGap: z.boolean(),
    mediumUnknown: z.boolean(),
  }),
});
export type PartRow = z.infer<typeof PartRow>;

const PartReject = z.object({ filename: z.string(), path: z.string(), reason: z.string() });
export type PartReject = z.infer<typeof PartReject>;

const PartSummary = z.object({
  rows: z.number().int(),
  points: z.number().int(),
  rejects: z.number().int(),
  /** Longest value of each text column [bytes of UTF-8], so that a merge knows its fixed widths beforehand. */
  widths: z.record(z.string(), z.number().int()),
});
export type PartSummary = z.infer<typeof PartSummary>;

const PartTables = z.object({ rows: z.array(PartRow), rejects: z.array(PartReject) });

/** The result of one shard: rows in order of their archive path, and the files that gave none. */
export interface Part {
  rows: PartRow[];
  rejects: PartReject[];
  points: number;
  /** rows × points. */
  fluxes: Float32Array;
}

/** The text columns of result.h5, by dataset path. */
export const TEXT_COLUMNS: Record<string, (row: PartRow) => string> = {
  filenames: (row) => row.filename,
  'metadata/path': (row) => row.path,
  'metadata/layout': (row) => row.layout,
  'metadata/designation': (row) => row.metadata.targetname ?? '',
  'metadata/class': (row) => row.metadata.type ?? '',
  'metadata/subclass': (row) => row.metadata.subtype ?? '',
  'metadata/obsdate': (row) => row.metadata.observed_at ?? '',
  'metadata/obsid': (row) => row.metadata.obsid ?? '',
};
export const REJECT_COLUMNS: Record<string, (reject: PartReject) => string> = {
  'rejects/filename': (reject) => reject.filename,
  'rejects/reason': (reject) => reject.reason,
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function widthsOf(part: Omit<Part, 'fluxes'>): Record<string, number> {
  const widths: Record<string, number> = {};
  const measure = <T>(columns: Record<string, (item: T) => string>, items: T[]) => {
    for (const [name, value] of Object.entries(columns))
      widths[name] = items.reduce((longest, item) => Math.max(longest, Buffer.byteLength(value(item))), 0);
  };
  measure(TEXT_COLUMNS, part.rows);
  measure(REJECT_COLUMNS, part.rejects);
  return widths;
}

/**
 * A part as bytes: summary and tables as length-prefixed JSON, then the fluxes as little-endian float32.
 * @param blocks the rows × points values, in as many pieces as they came
 */
export function encodePart(part: Omit<Part, 'fluxes'>, blocks: readonly Float32Array[]): Uint8Array[] {
  const summary: PartSummary = {
    rows: part.rows.length,
    points: part.points,
    rejects: part.rejects.length,
    widths: widthsOf(part),
  };
  const block = (value: unknown): Uint8Array[] => {
    const json = encoder.encode(JSON.stringify(value));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, json.length, true);
    return [length, json];
  };
  return [
    ...block(summary),
    ...block({ rows: part.rows, rejects: part.rejects }),
    ...blocks.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  ];
}

function readBlock(bytes: Uint8Array, offset: number): { value: unknown; end: number } {
  const length = new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0, true);
  const end = offset + 4 + length;
  return { value: JSON.parse(decoder.decode(bytes.subarray(offset + 4, end))), end };
}

/** How many leading bytes of a part surely hold its summary. */
export const SUMMARY_BYTES = 4096;

/** The summary alone, from the first `SUMMARY_BYTES` of a part. */
export function decodeSummary(bytes: Uint8Array): PartSummary {
  return PartSummary.parse(readBlock(bytes, 0).value);
}

export function decodePart(bytes: Uint8Array): Part {
  const first = readBlock(bytes, 0);
  const summary = PartSummary.parse(first.value);
  const second = readBlock(bytes, first.end);
  const { rows, rejects } = PartTables.parse(second.value);
  // slice copies, so that the floats are aligned
  const fluxes = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + second.end, bytes.byteOffset + bytes.length),
  );
  if (rows.length !== summary.rows || fluxes.length !== summary.rows * summary.points)
    throw new Error(`part holds ${fluxes.length} values, not ${summary.rows} × ${summary.points}`);
  return { rows, rejects, points: summary.points, fluxes };
}
