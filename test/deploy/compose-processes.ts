import { execFile } from 'node:child_process';
import { cpSync, linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../deploy/embedded/port.ts';
import { type RunningPostgres, startPostgres } from '../../deploy/embedded/postgres.ts';
import { logTail, type ManagedProcess, startProcess } from '../../deploy/embedded/process.ts';
import { findTemporal } from '../../deploy/embedded/temporal-binaries.ts';
import { findVersitygw } from '../storage/s3-server.ts';
import { type ComposeService, composeFile, exampleSettings } from './compose-file.ts';
import { findTemporalServer } from './programs.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const samples = join(root, 'samples', 'spectra');
const HEALTHY_MS = 120_000;
const KILL = [['SIGKILL', 5]] as const;

interface Running {
  process: ManagedProcess;
  /** Kept down by a test: it is not started again meanwhile. */
  isHeld: boolean;
}

/**
 * The services of docker-compose.yml with the values of .env.example, as plain processes of this machine: each has its
 * command, its environment and its health check from the file; names of hosts, ports and directories alone are replaced by
 * ours. What an image's own entrypoint adds (PostgreSQL's cluster) is done here.
 */
export class ComposeProcesses {
  readonly #base: string;
  readonly #services: Record<string, ComposeService>;
  readonly #running = new Map<string, Running>();
  readonly #ports = new Map<string, number>();
  #temporalPrograms: string | undefined;
  #temporalCli = '';
  #isStopping = false;

  /** @param base a new directory, without blanks, as in a container; `copies` of each sample make the archive */
  constructor(base: string, copies = 1) {
    this.#base = base;
    this.#services = composeFile(exampleSettings().settings).services;
    const archive = join(base, 'objects', 'objects', 'spectra');
    for (const name of ['bin', 'secrets', 'scratch', 'logs', 'objects/objects/spectra'])
      mkdirSync(join(base, name), { recursive: true });
    for (const name of readdirSync(samples, { recursive: true, encoding: 'utf8' })) {
      if (!name.includes('.fits')) continue;
      const first = join(archive, `0-${basename(name)}`);
      cpSync(join(samples, name), first);
      for (let copy = 1; copy < copies; copy++) linkSync(first, join(archive, `${copy}-${basename(name)}`));
    }
  }

  /** Of the API, with `/api`. */
  get url(): string {
    return `http://127.0.0.1:${this.#ports.get('api')}/api`;
  }

  /** Services that stay; those of a profile are left out. */
  get lasting(): string[] {
    return this.#names().filter((name) => this.#services[name]?.restart === 'unless-stopped');
  }

  /** Starts everything in the order of `depends_on`, as `docker compose up --scale cpu=2` does. */
  async up(): Promise<void> {
    await this.#prepare();
    const started = new Map<string, Promise<void>>();
    const start = (name: string): Promise<void> => {
      const begun = started.get(name) ?? this.#startAfterOthers(name, start);
      started.set(name, begun);
      return begun;
    };
    await Promise.all(this.#names().map(start));
    await this.#start('cpu', 'cpu-2');
    await this.untilHealthy('cpu', 'cpu-2');
  }

  async down(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#running.values()].map(({ process }) => process.stop(KILL)));
  }

  /** `kill -9`, and for so long it stays away. @returns once it is healthy again */
  async killFor(name: string, seconds: number): Promise<void> {
    const running = this.#running.get(name);
    if (!running) throw new Error(`${name} does not run`);
    running.isHeld = true;
    await running.process.stop(KILL);
    await delay(seconds * 1000);
    await this.#start(name);
    await this.untilHealthy(name);
  }

  /** Waits for a service's own health check. */
  async untilHealthy(name: string, instance = name): Promise<void> {
    for (const deadline = Date.now() + HEALTHY_MS; !(await this.isHealthy(name, instance)); await delay(200))
      if (Date.now() > deadline)
        throw new Error(`${instance} is not healthy:\n${await logTail(this.#log(instance))}`);
  }

  /** Whether its health check says so. */
  async isHealthy(name: string, instance = name): Promise<boolean> {
    const [, ...test] = this.#service(name).healthcheck?.test ?? [];
    if (test.length === 0) return true;
    // Whatever is not replaced would be looked for at the ports of somebody else's containers.
    const [program = '', ...args] = this.#rewritten(instance, test);
    try {
      await run(program === 'node' ? process.execPath : program, args, { cwd: root, env: this.#path() });
      return true;
    } catch {
      return false; // that is how a health check says no
    }
  }

  #names(): string[] {
    return Object.entries(this.#services)
      .filter(([name, { profiles }]) => profiles.length === 0 && !this.#isReplaced(name))
      .map(([name]) => name);
  }

  /** The development server keeps its own database, and has its web UI in itself. */
  #isReplaced(name: string): boolean {
    return this.#temporalPrograms === undefined && ['temporal-schema', 'temporal-ui'].includes(name);
  }

  #service(name: string): ComposeService {
    const service = this.#services[name];
    if (!service) throw new Error(`there is no service ${name}`);
    return service;
  }

  #log(instance: string): string {
    return join(this.#base, 'logs', `${instance}.log`);
  }

  async #prepare(): Promise<void> {
    this.#temporalPrograms = await findTemporalServer();
    this.#temporalCli = await findTemporal(() => undefined);
    const versitygw = await findVersitygw();
    if (versitygw === undefined) throw new Error('there is no versitygw');
    for (const name of ['postgres', 's3', 'temporal', 'temporal-ui', 'api', 'control', 'cpu', 'cpu-2'])
      this.#ports.set(name, await freePort());
    for (const name of TEMPORAL_PORTS) this.#ports.set(name, await freePort());
    await this.#makeCluster();
    writeFileSync(join(this.#base, 'secrets', 's3_secret_key'), 'the-secret-of-a-test\n');
    const programs = {
      nc: [process.execPath, join(root, 'test/deploy/image-program.mjs'), 'nc'],
      wget: [process.execPath, join(root, 'test/deploy/image-program.mjs'), 'wget'],
      pg_isready: [process.execPath, join(root, 'test/deploy/image-program.mjs'), 'pg_isready'],
      versitygw: [versitygw],
      // Ours already: in its image it is root's.
      chown: ['true'],
      'entrypoint.sh': ['temporal-server', 'start'],
    };
    for (const [name, words] of Object.entries(programs))
      writeFileSync(
        join(this.#base, 'bin', name),
        `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`,
        {
          mode: 0o755,
        },
      );
  }

  #path(): Record<string, string> {
    const own = [join(this.#base, 'bin'), this.#temporalPrograms ?? '', dirname(process.execPath)];
    return { PATH: [...own, process.env['PATH'] ?? ''].filter(Boolean).join(delimiter), HOME: this.#base };
  }

  /** Hosts, ports and directories of the containers in a text, as they are here. */
  #rewritten(instance: string, texts: readonly string[]): string[] {
    const at = (name: string) => `127.0.0.1:${this.#ports.get(name)}`;
    const metrics = this.#ports.get(instance) ?? 0;
    const replacements: [RegExp, string][] = [
      [/\bpostgres:5432\b/g, at('postgres')],
      [/\btemporal:7233\b/g, at('temporal')],
      [/\bs3:7070\b|(?<=^|\s):7070\b|127\.0\.0\.1:7070\b/g, at('s3')],
      [/127\.0\.0\.1:10000\b/g, at('api')],
      [/127\.0\.0\.1:8080\b/g, at('temporal-ui')],
      [/(127\.0\.0\.1|0\.0\.0\.0):9464\b/g, `127.0.0.1:${metrics}`],
      [/^0\.0\.0\.0$/g, '127.0.0.1'],
      [/\/run\/secrets\b/g, join(this.#base, 'secrets')],
      [/\/etc\/temporal(?=\/entrypoint)/g, join(this.#base, 'bin')],
      [/\/opt\/temporal\b/g, join(root, 'deploy', 'temporal')],
      [/(?<![\w/])\/data\b/g, join(this.#base, 'objects')],
      [/^\/scratch$/g, join(this.#base, 'scratch', instance)],
    ];
    const texts_ = texts.map((text) =>
      replacements.reduce((now, [from, to]) => now.replaceAll(from, to), text),
    );
    if (texts_[0] === 'nc') return [...texts_.slice(0, -1), String(this.#ports.get('temporal'))];
    if (texts_[0] === 'pg_isready') return [...texts_, `--port=${this.#ports.get('postgres')}`];
    return texts_;
  }

  #environment(instance: string, service: ComposeService): Record<string, string> {
    const names = Object.keys(service.environment);
    const values = this.#rewritten(instance, Object.values(service.environment));
    const environment = Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''] as const));
    const port = (name: string) => String(this.#ports.get(name));
    const own: Record<string, Record<string, string>> = {
      api: { PORT: port('api') },
      'temporal-ui': { TEMPORAL_UI_PORT: port('temporal-ui') },
      'temporal-schema': { SQL_HOST: '127.0.0.1', SQL_PORT: port('postgres') },
      temporal: {
        POSTGRES_SEEDS: '127.0.0.1',
        DB_PORT: port('postgres'),
        TEMPORAL_BROADCAST_ADDRESS: '127.0.0.1',
        FRONTEND_GRPC_PORT: port('temporal'),
        ...Object.fromEntries(TEMPORAL_PORTS.map((name) => [name, port(name)])),
      },
    };
    return { ...this.#path(), ...environment, ...own[instance] };
  }

  async #startAfterOthers(name: string, start: (name: string) => Promise<void>): Promise<void> {
    const needed = Object.keys(this.#service(name).depends_on).filter((other) => !this.#isReplaced(other));
    await Promise.all(needed.map(start));
    await this.#start(name);
    if (this.#service(name).restart === 'unless-stopped') await this.untilHealthy(name);
    else await this.#untilDone(name);
  }

  async #untilDone(name: string): Promise<void> {
    const end = await this.#running.get(name)?.process.exited;
    if (end?.code !== 0) throw new Error(`${name} failed:\n${await logTail(this.#log(name))}`);
    this.#running.delete(name);
  }

  async #start(name: string, instance = name): Promise<void> {
    if (this.#isStopping) return;
    const service = this.#service(name);
    const started =
      name === 'postgres'
        ? (await this.#startPostgres()).process
        : await this.#startProcess(service, instance);
    const running: Running = { process: started, isHeld: false };
    this.#running.set(instance, running);
    if (service.restart === 'unless-stopped') void this.#startAgain(name, instance, running);
  }

  /** `restart: unless-stopped` */
  async #startAgain(name: string, instance: string, running: Running): Promise<void> {
    await running.process.exited;
    await delay(500);
    if (!running.isHeld && !this.#isStopping) await this.#start(name, instance);
  }

  #startProcess(service: ComposeService, instance: string): Promise<ManagedProcess> {
    const words = this.#rewritten(instance, [...(service.entrypoint ?? []), ...(service.command ?? [])]);
    const [command = '', ...args] = this.#commandOf(instance, words);
    return startProcess({
      name: instance,
      command: command === 'node' ? process.execPath : command,
      args,
      env: this.#environment(instance, service),
      cwd: instance === 'temporal-ui' ? this.#temporalPrograms : root,
      logFile: this.#log(instance),
    });
  }

  /** What the image starts where the file names no command. */
  #commandOf(instance: string, words: string[]): string[] {
    if (instance === 'temporal-ui') return ['ui-server', '--env', 'docker', 'start'];
    if (instance !== 'temporal' || this.#temporalPrograms !== undefined) return words;
    const ports = ['--port', String(this.#ports.get('temporal')), '--headless'];
    const database = ['--db-filename', join(this.#base, 'temporal.db')];
    return [this.#temporalCli, 'server', 'start-dev', '--ip', '127.0.0.1', ...ports, ...database];
  }

  #startPostgres(): Promise<RunningPostgres> {
    const dataDir = join(this.#base, 'postgres');
    return startPostgres({ dataDir, port: this.#ports.get('postgres'), logFile: this.#log('postgres') });
  }

  /** As the image's entrypoint does: a cluster with this user and database, and the settings of the file's command. */
  async #makeCluster(): Promise<void> {
    const postgres = await this.#startPostgres();
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    for (const setting of this.#service('postgres').command ?? []) {
      const [name = '', value] = setting.split('=');
      if (value === undefined) continue;
      await client.query(`alter system set ${pg.escapeIdentifier(name)} = ${pg.escapeLiteral(value)}`);
    }
    await client.end();
    await postgres.stop();
    const { username, pathname, password } = new URL(postgres.url);
    const { POSTGRES_USER, POSTGRES_DB } = this.#service('postgres').environment;
    if (username !== POSTGRES_USER || pathname !== `/${POSTGRES_DB}`)
      throw new Error(`the cluster of a test belongs to ${username}`);
    writeFileSync(join(this.#base, 'secrets', 'postgres_password'), `${password}\n`);
  }
}

/** Of Temporal's server, beside that of its clients: one for each of its parts. */
const TEMPORAL_PORTS = [
  ...['FRONTEND_HTTP_PORT', 'FRONTEND_MEMBERSHIP_PORT', 'MATCHING_GRPC_PORT', 'MATCHING_MEMBERSHIP_PORT'],
  ...['HISTORY_GRPC_PORT', 'HISTORY_MEMBERSHIP_PORT', 'WORKER_GRPC_PORT', 'WORKER_MEMBERSHIP_PORT'],
];
