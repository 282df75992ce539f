import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** What our tests look at of a service. */
export const ComposeService = z.object({
  image: z.string(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  restart: z.string(),
  profiles: z.array(z.string()).default([]),
  networks: z.array(z.string()),
  ports: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  depends_on: z
    .record(
      z.string(),
      z.object({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }),
    )
    .default({}),
  healthcheck: z.object({ test: z.tuple([z.literal('CMD')], z.string()) }).optional(),
  deploy: z
    .object({ resources: z.object({ limits: z.object({ cpus: z.string(), memory: z.string() }) }) })
    .optional(),
});
export type ComposeService = z.infer<typeof ComposeService>;

const ComposeFile = z.object({
  services: z.record(z.string(), ComposeService),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
});
export type ComposeFile = z.infer<typeof ComposeFile>;

/** The file as it stands, its anchors and merges resolved: what the specification's schema judges. */
export function rawComposeFile(): unknown {
  return parse(readFileSync(path('docker-compose.yml'), 'utf8'), { merge: true });
}

/** The file with its `${NAME:-default}` filled in, as Compose does. */
export function composeFile(variables: Readonly<Record<string, string>>): ComposeFile {
  return ComposeFile.parse(filledIn(rawComposeFile(), variables));
}

function filledIn(value: unknown, variables: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string')
    return value.replaceAll(/\$\$|\$\{(\w+)(?::-([^}]*))?\}/g, (whole, name: string, otherwise = '') =>
      whole === '$$' ? '$' : variables[name] || otherwise,
    );
  if (Array.isArray(value)) return value.map((one) => filledIn(one, variables));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, below]) => [key, filledIn(below, variables)] as const),
    );
  return value;
}

/** Names of the variables that the file takes from its environment. */
export function composeVariables(): Set<string> {
  const text = readFileSync(path('docker-compose.yml'), 'utf8').replaceAll(/^\s*#.*$/gm, '');
  return new Set(Array.from(text.matchAll(/\$\{(\w+)/g), ([, name = '']) => name));
}

/** The settings of .env.example, and the names that it only explains. */
export function exampleSettings(): { settings: Record<string, string>; explained: string[] } {
  const settings: Record<string, string> = {};
  const explained: string[] = [];
  for (const line of readFileSync(path('.env.example'), 'utf8').split('\n')) {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    const [, told] = /^# ([A-Z][A-Z0-9_]+) {2,}\S/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) settings[name] = value;
    else if (told !== undefined) explained.push(told);
  }
  return { settings, explained };
}
