import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { Environment } from '../../contracts/environment.ts';
import { VERSION } from '../../contracts/version.ts';
import { composeFile, composeVariables, exampleSettings, rawComposeFile } from './compose-file.ts';

const { settings, explained } = exampleSettings();
const { services, networks } = composeFile(settings);
const ours = Object.values(services).filter(({ image }) => image.startsWith('spectrolabe'));
/** The one-shot jobs. */
const jobs = Object.entries(services).filter(([, { restart }]) => restart === 'on-failure');
const lasting = Object.entries(services).filter(([, { restart }]) => restart === 'unless-stopped');

describe('docker-compose.yml', () => {
  it('is what the Compose specification describes', () => {
    // schema/compose-spec.json of compose-go 2.16.2 (Apache-2.0), which `docker compose` itself checks files against.
    const schema: unknown = JSON.parse(
      readFileSync(fileURLToPath(new URL('compose-spec.json', import.meta.url)), 'utf8'),
    );
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const isCompose = ajv.compile(Object(schema));
    isCompose(rawComposeFile());
    expect(isCompose.errors ?? []).toEqual([]);
    isCompose({ services: { api: { imagee: 'x' } } });
    expect(isCompose.errors).not.toBeNull();
  });

  it('gives API and workers every variable that they read, and Compose every one that it asks for', () => {
    expect(ours.length).toBeGreaterThan(5);
    for (const { environment } of ours)
      expect(Object.keys(Environment.shape).filter((name) => !(name in environment))).toEqual([]);
    expect([...composeVariables()].filter((name) => !(name in settings))).toEqual([]);
  });

  it('watches and bounds every service, and starts it again', () => {
    expect(lasting.map(([name]) => name).sort()).toEqual(
      ['api', 'control', 'cpu', 'gpu', 'postgres', 's3', 'temporal', 'temporal-ui'].sort(),
    );
    for (const [name, { healthcheck, deploy }] of lasting)
      expect([name, healthcheck !== undefined, deploy !== undefined]).toEqual([name, true, true]);
    expect(lasting.length + jobs.length).toBe(Object.keys(services).length);
    expect(services['gpu']?.profiles).toEqual(['gpu']);
  });

  it('publishes the dashboard and Temporal’s web UI, on this machine; the rest cannot be reached', () => {
    const published = Object.entries(services).filter(([, { ports }]) => ports.length > 0);
    expect(published.map(([name, { ports }]) => [name, ...ports]).sort()).toEqual([
      ['api', '127.0.0.1:10000:10000'],
      ['temporal-ui', '127.0.0.1:10001:8080'],
    ]);
    for (const [name, service] of Object.entries(services))
      expect([name, ...service.networks]).toEqual(
        ['api', 'temporal-ui'].includes(name) ? [name, 'inside', 'outside'] : [name, 'inside'],
      );
    expect(networks).toEqual({ inside: { internal: true }, outside: { internal: false } });
  });

  it('pins every image, and has secrets in files only', () => {
    for (const { image, environment } of Object.values(services)) {
      expect(image).toMatch(/^[\w/-]+:v?\d+\.\d+(\.\d+)?(-\w+)?$/);
      for (const [name, value] of Object.entries(environment))
        if (/PASSWORD|SECRET/.test(name))
          expect([name, value]).toEqual([name, value && expect.stringMatching(/^\/run\/secrets\//)]);
    }
    expect(settings['SPECTROLABE_VERSION']).toBe(VERSION);
  });
});

it('.env.example has every setting of the schema and of docker-compose.yml, and no other', () => {
  const fixed = Object.keys(Environment.shape).filter((name) => !composeVariables().has(name));
  expect(explained.sort()).toEqual(fixed.sort());
  expect(Object.keys(settings).sort()).toEqual([...composeVariables()].sort());
});
