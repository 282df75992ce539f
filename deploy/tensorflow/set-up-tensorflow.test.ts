import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { nativeBackends } from './backends.ts';
import { setUpTensorflow } from './set-up-tensorflow.ts';

let cache: string;
let said: string[];
const say = (message: string) => said.push(message);
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cache of a test '));
  said = [];
  // No npm: nothing can be set up.
  vi.stubEnv('PATH', cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

it('says what to do where nothing can be set up, and leaves nothing behind', async () => {
  await expect(setUpTensorflow({ cache, say, backends: nativeBackends(false) })).rejects.toThrow(
    /npm ENOENT[\s\S]*npm run doctor -- --set-up/,
  );
  expect(said).toEqual(['TensorFlow: npm packages …']);
  expect(await readdir(cache)).toEqual([]);
});

it('goes on without a GPU that does not do, and fetches its 2.4 GB again only when told to', async () => {
  const trySetUp = async (again: boolean) => {
    said = [];
    const backends = nativeBackends(true);
    await expect(setUpTensorflow({ cache, say, backends, again })).rejects.toThrow('npm ENOENT');
    return said.join('\n');
  };
  const packages = 'TensorFlow: npm packages …';
  expect(await trySetUp(false)).toBe(`${packages}\nspawn npm ENOENT\nGoing on without the GPU.\n${packages}`);
  const second = await trySetUp(false);
  expect(second).toContain('The CUDA build failed before');
  expect(second.split(packages)).toHaveLength(2);
  expect((await trySetUp(true)).split(packages)).toHaveLength(3);
});
