import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longest first, so that the others fill what they leave free: those that kill what they test. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      /\/test\/(faults|active-learning)\//.test(moduleId);
    return (await super.sort(files)).toSorted((a, b) => Number(isLong(b)) - Number(isLong(a)));
  }
}

// Unit tests lie beside the code and touch no server; test/ crosses processes, test/e2e with a browser.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['test/equal-typed-arrays.ts'],
          // Files share two processes: starting one for each takes longer than the tests.
          isolate: false,
          maxWorkers: '100%',
          // Only what hangs takes so long, on a busy machine too.
          testTimeout: 30_000,
          include: [
            '{contracts,science,workflows,activities,workers,db,storage,telemetry,api,web,cli,deploy,bench}/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/workflows/**'],
          globalSetup: ['test/postgres.ts'],
          // Workers of tests fetch nothing.
          env: { TENSORFLOW_SETUP: 'never' },
          // Only what hangs takes so long, on a busy machine too.
          testTimeout: 240_000,
          hookTimeout: 180_000,
          // Only what never comes takes so long, on a busy machine too.
          expect: { poll: { timeout: 20_000 } },
          // They wait more than they compute: for processes, timers, disks.
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'workflows',
          include: ['test/workflows/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 20_000 } },
          // Temporal's test server skips time while nothing moves: another test that takes the cores looks like that.
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/e2e/*.test.ts'],
          env: { TENSORFLOW_SETUP: 'never' },
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // Only what never comes takes so long, on a busy machine too.
          expect: { poll: { timeout: 20_000 } },
          // One process for all files: they share a stack and a browser.
          isolate: false,
          fileParallelism: false,
        },
      },
    ],
  },
});
