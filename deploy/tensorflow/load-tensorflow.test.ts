import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hasNvidiaDriver, nativeBackends, type NativeBackend } from './backends.ts';
import { loadTensorflow } from './load-tensorflow.ts';
import { tensorflowDirectory } from './set-up-tensorflow.ts';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cache of a test '));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

/** A module in the place of tfjs-node, whose every product is the given one. */
async function pretend(backend: NativeBackend, product: number[], usesGpu: boolean): Promise<void> {
  const directory = tensorflowDirectory(backend, cache);
  const packageDirectory = join(directory, 'node_modules', '@tensorflow', backend);
  await mkdir(packageDirectory, { recursive: true });
  await writeFile(
    join(packageDirectory, 'index.js'),
    `module.exports = {
      tensor2d: () => ({}), dispose() {}, variableGrads() {}, node: {},
      matMul: () => ({ data: async () => ${JSON.stringify(product)} }),
      backend: () => ({ isUsingGpuDevice: ${usesGpu} }),
    };`,
  );
  const files = [{ path: 'package.json', bytes: 2, sha256: '' }];
  await writeFile(join(directory, 'package.json'), '{}');
  const description = { source: 'wheel', tensorflow: '9.9.9', files };
  await writeFile(join(directory, 'installation.json'), JSON.stringify(description));
}

describe('the order of the backends', () => {
  it('begins with the GPU only where there is an NVIDIA driver', () => {
    expect(nativeBackends(true)).toEqual(['tfjs-node-gpu', 'tfjs-node']);
    expect(nativeBackends(false)).toEqual(['tfjs-node']);
  });

  it('finds the driver by its files', async () => {
    expect(await hasNvidiaDriver([join(cache, 'version'), join(cache, 'nvidiactl')])).toBe(false);
    await writeFile(join(cache, 'nvidiactl'), '');
    expect(await hasNvidiaDriver([join(cache, 'version'), join(cache, 'nvidiactl')])).toBe(true);
  });
});

describe('loading TensorFlow', () => {
  const backends = nativeBackends(true);

  it('takes the first that multiplies rightly', async () => {
    await pretend('tfjs-node', [7, 10, 15, 22], false);
    const { backend, version, libraryPath, note } = await loadTensorflow({ cache, backends });
    expect({ backend, version }).toEqual({ backend: 'tfjs-node', version: '9.9.9' });
    expect(libraryPath?.startsWith(cache)).toBe(true);
    expect(note).toContain('tfjs-node-gpu: it is not set up');
  });

  it('tells of a CUDA build without a GPU', async () => {
    await pretend('tfjs-node-gpu', [7, 10, 15, 22], false);
    const { backend, note } = await loadTensorflow({ cache, backends });
    expect(backend).toBe('tfjs-node-gpu');
    expect(note).toBe('no GPU can be used: the processor is');
  });

  it('has nothing to note about a GPU in use', async () => {
    await pretend('tfjs-node-gpu', [7, 10, 15, 22], true);
    expect((await loadTensorflow({ cache, backends })).note).toBeUndefined();
  });

  it('falls back to JavaScript, which computes rightly and says why and how slow it is', async () => {
    await pretend('tfjs-node', [7, 10, 15, 23], false);
    const { tf, backend, note } = await loadTensorflow({ cache, backends });
    expect(backend).toBe('javascript');
    expect(note).toContain('tfjs-node-gpu: it is not set up');
    expect(note).toContain('tfjs-node: it multiplies wrongly: 7,10,15,23');
    expect(note).toContain('a thousand times slower');
    expect(tf.getBackend()).toBe('cpu');
    const gradient = tf.grad((x) => tf.mul(x, x))(tf.tensor1d([3]));
    expect([...(await gradient.data())]).toEqual([6]);
  });
});
