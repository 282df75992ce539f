import { readdir, readFile } from 'node:fs/promises';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { workflowsPath } from '../../workers/bundle.ts';

const histories = new URL('./histories/', import.meta.url);

it('replays every recorded history against the workflows of today', async () => {
  const names = (await readdir(histories)).filter((name) => name.endsWith('.json'));
  expect(names.length).toBeGreaterThan(0);
  const recorded = await Promise.all(
    names.map(async (name) => {
      const json: unknown = JSON.parse(await readFile(new URL(name, histories), 'utf8'));
      return { workflowId: name, history: historyFromJSON(json) };
    }),
  );
  const results = Worker.runReplayHistories(
    { workflowBundle: await bundleWorkflowCode({ workflowsPath }) },
    recorded,
  );
  const replayed: string[] = [];
  for await (const { workflowId, error } of results) {
    expect(error, workflowId).toBeUndefined();
    replayed.push(workflowId);
  }
  expect(replayed.sort()).toEqual(names.sort());
});
