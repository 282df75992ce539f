import * as h5wasm from 'h5wasm';
import { type Hdf5Answer, type Hdf5Node, typeName, valueText } from './hdf5-tree.ts';

// Reads what is in an HDF5 file, in a worker: there the file can be read piece by piece from its address, and a large
// one is not downloaded whole.

const MAX_NODES = 1000;
const VALUES_SHOWN = 6;
const MAX_TEXT = 200;

function attributesOf(item: h5wasm.Group | h5wasm.Dataset): Hdf5Node['attributes'] {
  return Object.entries(item.attrs).map(([name, { value }]) => ({
    name,
    value: valueText(value).slice(0, MAX_TEXT),
  }));
}

function nodeOf(path: string, item: h5wasm.Group | h5wasm.Dataset): Hdf5Node {
  const attributes = attributesOf(item);
  if (item instanceof h5wasm.Group) return { path, kind: 'group', attributes };
  const shape = item.shape ?? [];
  const first = shape.map((length, axis): [number, number] => [
    0,
    Math.min(length, axis === shape.length - 1 ? VALUES_SHOWN : 1),
  ]);
  const isEmpty = shape.some((length) => length === 0);
  const values = isEmpty ? undefined : shape.length === 0 ? item.value : item.slice(first);
  const { dtype } = item;
  return {
    path,
    kind: 'dataset',
    shape,
    type: typeof dtype === 'string' ? typeName(dtype) : 'compound',
    ...(values === undefined ? {} : { values: valueText(values).slice(0, MAX_TEXT) }),
    attributes,
  };
}

/** Every entry below a group, each with its path, depth first; the file's own attributes come with `/`. */
function readTree(file: h5wasm.File): Hdf5Answer {
  const nodes = [nodeOf('/', file)];
  const paths = file.paths();
  for (const path of paths.slice(0, MAX_NODES)) {
    const item = file.get(path);
    if (item instanceof h5wasm.Group || item instanceof h5wasm.Dataset) nodes.push(nodeOf(`/${path}`, item));
  }
  return { nodes, isWhole: paths.length <= MAX_NODES };
}

async function read(url: string): Promise<Hdf5Answer> {
  const { FS } = await h5wasm.ready;
  FS.createLazyFile('/', 'file.h5', url, true, false);
  const file = new h5wasm.File('file.h5', 'r');
  try {
    return readTree(file);
  } finally {
    file.close();
  }
}

self.addEventListener('message', async ({ data: url }: MessageEvent<string>) => {
  let answer: Hdf5Answer;
  try {
    answer = await read(url);
  } catch (error) {
    answer = { problem: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(answer);
});
