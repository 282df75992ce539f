import { describe, expect, it } from 'vitest';
import type { WorkerInfo } from '../../../contracts/system.ts';
import { queueStates } from './queues.ts';

const worker = (
  identity: string,
  task_queue: string,
  backend?: 'tfjs-node' | 'tfjs-node-gpu',
): WorkerInfo => ({
  identity,
  task_queue,
  ...(backend && { tensorflow: { state: 'ready', backend } }),
});

describe('the queues', () => {
  it('are all there, each with who serves it and whether somebody has to', () => {
    const states = queueStates([
      worker('1@a', 'control'),
      worker('2@a', 'cpu', 'tfjs-node'),
      worker('2@a', 'cpu-training', 'tfjs-node'),
      worker('3@b', 'cpu-training', 'tfjs-node'),
      worker('4@b', 'gpu', 'tfjs-node-gpu'),
    ]);
    const by = Object.fromEntries(states.map(({ queue, ...state }) => [queue, state]));
    expect(by).toEqual({
      control: { isNeeded: true, workers: 1, backends: [], hasGpu: false },
      cpu: { isNeeded: true, workers: 1, backends: ['tfjs-node'], hasGpu: false },
      merge: { isNeeded: true, workers: 0, backends: [], hasGpu: false },
      'cpu-training': { isNeeded: true, workers: 2, backends: ['tfjs-node'], hasGpu: false },
      gpu: { isNeeded: false, workers: 1, backends: ['tfjs-node-gpu'], hasGpu: true },
    });
    expect(queueStates([]).find(({ queue }) => queue === 'gpu')).toMatchObject({
      isNeeded: false,
      workers: 0,
    });
  });
});
