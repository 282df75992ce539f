import { describe, expect, it } from 'vitest';
import { processesOf, wantsDoctor } from './worker-processes.ts';

const workers = [
  { identity: '7@host', task_queue: 'control', status: 'running', started_at: '2026-11-21T10:00:00Z' },
  { identity: '12@host', task_queue: 'cpu', status: 'running', tensorflow: { state: 'setting up' } },
  { identity: '12@host', task_queue: 'merge', status: 'running', tensorflow: { state: 'setting up' } },
] as const;

describe('worker processes', () => {
  it('are one each, with all their queues', () => {
    expect(processesOf(workers)).toEqual([
      {
        identity: '12@host',
        queues: ['cpu', 'merge'],
        status: 'running',
        tensorflow: { state: 'setting up' },
      },
      { identity: '7@host', queues: ['control'], status: 'running', started_at: '2026-11-21T10:00:00Z' },
    ]);
    expect(processesOf([])).toEqual([]);
  });

  it('want the doctor where native TensorFlow is not to be had', () => {
    const wants = (tensorflow: Parameters<typeof wantsDoctor>[0]['tensorflow']) =>
      wantsDoctor({ identity: '1@host', queues: ['cpu'], tensorflow });
    expect(wants(undefined)).toBe(false);
    expect(wants({ state: 'setting up' })).toBe(false);
    expect(wants({ state: 'ready', backend: 'tfjs-node' })).toBe(false);
    expect(wants({ state: 'ready', backend: 'javascript' })).toBe(true);
    expect(wants({ state: 'failed' })).toBe(true);
  });
});
