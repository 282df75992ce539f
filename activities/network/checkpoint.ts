import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { NetworkPlan } from '../../science/cnn/architecture.ts';
import type { Checkpoint } from '../../science/cnn/fit.ts';
import type { NamedArrays } from '../../science/cnn/trainer.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from '../../storage/object-store.ts';

/** A training between two epochs, and which one. */
export interface SavedCheckpoint {
  /** SHA-256 of all that the training depends on: a checkpoint of another one is not taken. */
  training: string;
  /** What computed it so far, each once: others round otherwise. */
  computers: readonly string[];
  /** Which fit, 1 for the first. */
  attempt: number;
  checkpoint: Checkpoint;
}

const Header = z.object({
  training: z.string(),
  computers: z.array(z.string()),
  attempt: z.int(),
  step: z.int(),
  earlyStopping: z.object({ best: z.number().optional(), bestEpoch: z.int(), waited: z.int() }),
  history: z.array(
    z.object({
      epoch: z.int(),
      learningRate: z.number(),
      loss: z.number(),
      accuracy: z.number(),
      validation: z.object({ loss: z.number(), accuracy: z.number() }).optional(),
      trainingSpectraPerSecond: z.number(),
    }),
  ),
  sha256: z.string(),
});

const GROUPS = ['weights', 'firstMoments', 'secondMoments', 'bestWeights'] as const;

/** Writes a checkpoint in place of the one before: the length of a JSON header, the header, and the arrays of `plan`. */
export async function saveCheckpoint(
  store: ObjectStore,
  key: string,
  plan: NetworkPlan,
  { training, computers, attempt, checkpoint }: SavedCheckpoint,
): Promise<void> {
  const { trainer, bestWeights, earlyStopping, history } = checkpoint;
  const groups: Record<(typeof GROUPS)[number], NamedArrays> = { ...trainer, bestWeights };
  const hash = createHash('sha256');
  const arrays = GROUPS.flatMap((group) =>
    plan.parameters.map(({ name }) => {
      const values = groups[group][name];
      if (!values) throw new Error(`the checkpoint has no ${group} of ${name}`);
      const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
      hash.update(bytes);
      return bytes;
    }),
  );
  const content: z.infer<typeof Header> = {
    training,
    computers: [...computers],
    attempt,
    step: trainer.step,
    earlyStopping,
    history: [...history],
    sha256: hash.digest('hex'),
  };
  const header = Buffer.from(JSON.stringify(content));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  await store.put(key, [length, header, ...arrays]);
}

/** The checkpoint of this training; undefined where there is none, or one of another training or a damaged one. */
export async function loadCheckpoint(
  store: ObjectStore,
  key: string,
  plan: NetworkPlan,
  training: string,
): Promise<SavedCheckpoint | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await store.read(objectUri(key));
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
  if (bytes.length < 4) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const parsed = Header.safeParse(jsonOf(bytes.subarray(4, 4 + length)));
  if (!parsed.success || parsed.data.training !== training) return undefined;
  const { computers, attempt, step, earlyStopping, history, sha256 } = parsed.data;
  const body = bytes.subarray(4 + length);
  if (body.length !== 4 * GROUPS.length * plan.parameterCount) return undefined;
  if (createHash('sha256').update(body).digest('hex') !== sha256) return undefined;
  let at = 0;
  const read = (): NamedArrays =>
    Object.fromEntries(
      plan.parameters.map(({ name, count }) => {
        const values = new Float32Array(count);
        new Uint8Array(values.buffer).set(body.subarray(at, at + 4 * count));
        at += 4 * count;
        return [name, values];
      }),
    );
  const [weights, firstMoments, secondMoments, bestWeights] = [read(), read(), read(), read()];
  return {
    training,
    computers,
    attempt,
    checkpoint: {
      trainer: { step, weights, firstMoments, secondMoments },
      earlyStopping: {
        bestEpoch: earlyStopping.bestEpoch,
        waited: earlyStopping.waited,
        ...(earlyStopping.best === undefined ? {} : { best: earlyStopping.best }),
      },
      bestWeights,
      history: history.map(({ validation, ...epoch }) => ({ ...epoch, ...(validation && { validation }) })),
    },
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // Not a header; the caller's check says so.
    return undefined;
  }
}
