import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { cacheDirectory } from '../../deploy/embedded/cache.ts';
import { packageRoot } from '../../storage/package-root.ts';
import { findInstallation, isIntact } from '../../deploy/tensorflow/installation.ts';
import { loadTensorflow } from '../../deploy/tensorflow/load-tensorflow.ts';
import { setUpBackend, tensorflowDirectory } from '../../deploy/tensorflow/set-up-tensorflow.ts';

// With SPECTROLABE_TEST_TENSORFLOW everything is fetched and built anew (some 15 s at a fast registry, 700 MB of disk);
// otherwise what lies in the cache is tried, where something lies there.
const fresh = Boolean(process.env['SPECTROLABE_TEST_TENSORFLOW']);
const cached = (await findInstallation(tensorflowDirectory('tfjs-node'))) !== undefined;
if (!fresh && !cached) {
  console.log(
    'Native TensorFlow was not tried: it is not in the cache (npm run doctor -- --set-up), and SPECTROLABE_TEST_TENSORFLOW, which fetches it for this test, is not set.',
  );
}
const parent = fresh ? await mkdtemp(join(tmpdir(), 'tensorflow of a test ')) : undefined;
const cache = parent ?? cacheDirectory();
afterAll(async () => {
  if (parent !== undefined) await rm(parent, { recursive: true, force: true });
});

describe.skipIf(!fresh && !cached)('native TensorFlow', () => {
  it('is set up, once, and whole', { timeout: 20 * 60_000 }, async () => {
    const say = (message: string) => console.log(message);
    const first = await setUpBackend('tfjs-node', { say, cache });
    expect(await isIntact(first)).toBe(true);
    const again: string[] = [];
    expect(await setUpBackend('tfjs-node', { say: (message) => again.push(message), cache })).toEqual(first);
    expect(again).toEqual([]);
  });

  it('is loaded and trains', async () => {
    const { tf, backend, libraryPath } = await loadTensorflow({ cache, backends: ['tfjs-node'] });
    expect(backend).toBe('tfjs-node');
    expect(libraryPath?.startsWith(cache)).toBe(true);
    expect(tf.node?.loadSavedModel).toBeTypeOf('function');
    // One step down a convolution's gradient, the operation that tells a working build from half a one.
    const x = tf.tensor3d([[[1], [2], [3]]]);
    const kernel = tf.variable(tf.tensor3d([[[1]], [[1]]]));
    const { grads } = tf.variableGrads(() => tf.conv1d(x, kernel, 1, 'valid').sum().asScalar());
    expect(Object.values(grads).map((gradient) => [...gradient.dataSync()])).toEqual([[3, 5]]);
  });

  it('says nothing of its own when it is loaded', async () => {
    // Compiled, as the workers load it: Node itself reads no TypeScript.
    const module = pathToFileURL(join(packageRoot(), 'dist/deploy/tensorflow/load-tensorflow.js'));
    const source = `const { loadTensorflow } = await import(${JSON.stringify(module)});
      const { backend } = await loadTensorflow({ cache: ${JSON.stringify(cache)}, backends: ['tfjs-node'] });
      process.stdout.write(backend);`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      source,
    ]);
    expect({ stdout, stderr }).toEqual({ stdout: 'tfjs-node', stderr: '' });
  });
});
