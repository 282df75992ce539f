import { readdir, readFile } from 'node:fs/promises';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { workflowsPath } from '../../workers/bundle.ts';
import { WORKFLOW_INTERCEPTORS } from '../../workers/traced.ts';

const histories = new URL('./histories/', import.meta.url);

// Traces may be turned on and off while jobs run: a run that began without them goes on with them.
it.each([
  ['', []],
  [', traced', WORKFLOW_INTERCEPTORS],
])('replays every recorded history against the workflows of today%s', async (_, workflowModules) => {
  const names = (await readdir(histories)).filter((name) => name.endsWith('.json'));
  expect(names.length).toBeGreaterThan(0);
  const recorded = await Promise.all(
    names.map(async (name) => {
      const json: unknown = JSON.parse(await readFile(new URL(name, histories), 'utf8'));
      return { workflowId: name, history: historyFromJSON(json) };
    }),
  );
  const results = Worker.runReplayHistories(
    {
      workflowBundle: await bundleWorkflowCode({
        workflowsPath,
        workflowInterceptorModules: [...workflowModules],
      }),
      // Where spans would go: a replay sends none.
      sinks: { exporter: { export: { fn: () => undefined, callDuringReplay: false } } },
    },
    recorded,
  );
  const replayed: string[] = [];
  for await (const { workflowId, error } of results) {
    expect(error, workflowId).toBeUndefined();
    replayed.push(workflowId);
  }
  expect(replayed.sort()).toEqual(names.sort());
});
