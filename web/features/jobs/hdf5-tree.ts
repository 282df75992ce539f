import { z } from 'zod';

/** An entry of an HDF5 file. */
export const Hdf5Node = z.object({
  path: z.string(),
  kind: z.enum(['group', 'dataset']),
  /** Of a dataset. */
  shape: z.array(z.number()).optional(),
  type: z.string().optional(),
  /** The first values, in words. */
  values: z.string().optional(),
  attributes: z.array(z.object({ name: z.string(), value: z.string() })),
});
export type Hdf5Node = z.infer<typeof Hdf5Node>;

/** What the worker that reads an HDF5 file answers. */
export const Hdf5Answer = z.union([
  z.object({ nodes: z.array(Hdf5Node), isWhole: z.boolean() }),
  z.object({ problem: z.string() }),
]);
export type Hdf5Answer = z.infer<typeof Hdf5Answer>;

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** Values as people read them: numbers short, texts quoted, arrays with commas. */
export function valueText(value: unknown): string {
  if (typeof value === 'number') return String(+value.toPrecision(6));
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (isIterable(value)) return Array.from(value, valueText).join(', ');
  return '';
}

/** Letters of Python's struct, in which h5wasm names types. */
const TYPES: Record<string, string> = {
  b: 'int8',
  B: 'uint8',
  h: 'int16',
  H: 'uint16',
  i: 'int32',
  I: 'uint32',
  l: 'int32',
  L: 'uint32',
  q: 'int64',
  Q: 'uint64',
  e: 'float16',
  f: 'float32',
  d: 'float64',
  S: 'text',
};

/** The name of a type as people know it: `<f` is float32, `S46` text of at most 46 bytes. */
export function typeName(dtype: string): string {
  const [, letter = '', length = ''] = /^[<>|=]?([a-zA-Z])(\d*)$/.exec(dtype) ?? [];
  const name = TYPES[letter];
  return name === undefined ? dtype : `${name}${length && ` (${length})`}`;
}
