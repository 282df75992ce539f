import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { Environment, readEnvironment } from '../../contracts/environment.ts';
import { composeFile, exampleSettings } from './compose-file.ts';

// deploy/kubernetes/ against docker-compose.yml, whose services a test runs: what both must agree on.

const base = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url));
const files = readdirSync(base).map((name) => join(base, name));
const { services } = composeFile(exampleSettings().settings);

const Container = z.object({ name: z.string(), image: z.string(), command: z.array(z.string()).optional() });
const PodSpec = z.object({ containers: z.array(Container), initContainers: z.array(Container).default([]) });
const Workload = z.object({
  kind: z.enum(['Deployment', 'StatefulSet', 'Job']),
  metadata: z.object({ name: z.string() }),
  spec: z.object({ template: z.object({ spec: PodSpec }) }),
});
const Settings = z.object({ kind: z.literal('ConfigMap'), data: z.record(z.string(), z.string()) });

const objects: unknown[] = files.flatMap((file) =>
  parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS()),
);
const workloads = objects.flatMap((object) => Workload.safeParse(object).data ?? []);

it('runs the commands and images of docker-compose.yml', () => {
  const containers = workloads.flatMap(({ spec: { template } }) => template.spec.containers);
  const lasting = Object.entries(services).filter(([, { restart }]) => restart === 'unless-stopped');
  expect(containers.map(({ name }) => name).sort()).toEqual(
    [...lasting.map(([name]) => name), 'migrate', 'namespace', 'bucket'].sort(),
  );
  for (const { name, image, command } of containers) {
    const service = services[name];
    // The tags of our own images are the kustomization's.
    expect(image).toBe(service?.image.replace(/^(spectrolabe(-gpu)?):.*$/, '$1'));
    if (image.startsWith('spectrolabe')) expect([name, command]).toEqual([name, service?.command]);
  }
});

it('gives API and workers settings that they start with', () => {
  const [settings] = objects.flatMap((object) => Settings.safeParse(object).data ?? []);
  const { NODE_ENV, UV_THREADPOOL_SIZE, ...variables } = settings?.data ?? {};
  expect([NODE_ENV, UV_THREADPOOL_SIZE]).toEqual(['production', '16']);
  expect(Object.keys(variables).filter((name) => !(name in Environment.shape))).toEqual([]);
  expect(() => readEnvironment(variables, () => 'a secret')).not.toThrow();
});

const validate = process.env['KUBERNETES_VALIDATE'];
if (!validate)
  console.log(
    'deploy/kubernetes is not held against the schemas of Kubernetes: set KUBERNETES_VALIDATE to the program of PyPI’s kubernetes-validate.',
  );
it.skipIf(!validate)('is what Kubernetes describes', () => {
  const { status, stdout, stderr } = spawnSync(validate ?? '', ['--strict', ...files], { encoding: 'utf8' });
  expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
});
