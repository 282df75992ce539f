import { defineConfig } from 'vitest/config';

// Two tiers: unit tests lie beside the code and touch no server; test/ crosses processes.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
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
          // Workers of tests fetch nothing.
          env: { TENSORFLOW_SETUP: 'never' },
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
