import { z } from 'zod';

const activation = z.enum(['relu', 'linear']).default('relu');

/**
 * One layer of a network for spectra. Shapes are (points, channels): the spectrum comes in as (points, 1).
 * Names, defaults and arithmetic are Keras', so that a network can be written down as it stands in a paper.
 */
export const NetworkLayer = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('conv1d'),
      filters: z.int().min(1).max(4096),
      kernel_size: z.int().min(1).max(1024).default(3),
      padding: z.enum(['valid', 'same']).default('valid').meta({
        description: 'valid: kernel_size − 1 points get lost; same: zeros beyond the ends keep all',
      }),
      activation,
    })
    .meta({ description: 'Convolution along the spectrum, stride 1' }),
  z
    .strictObject({ kind: z.literal('max_pooling1d'), pool_size: z.int().min(2).max(1024).default(2) })
    .meta({ description: 'The largest of every pool_size points; a rest at the red end is left out' }),
  z
    .strictObject({ kind: z.literal('flatten') })
    .meta({ description: '(points, channels) → points · channels' }),
  z.strictObject({ kind: z.literal('dense'), units: z.int().min(1).max(65_536), activation }),
  z
    .strictObject({ kind: z.literal('dropout'), rate: z.number().min(0).lt(1).default(0.5) })
    .meta({ description: 'In training each value is dropped with this probability; the rest is scaled up' }),
]);
export type NetworkLayer = z.infer<typeof NetworkLayer>;

/**
 * A network as data. Its output, a dense layer with softmax and one unit a class, always follows and is not listed:
 * how many classes there are is known from the labels only.
 */
export const NetworkArchitecture = z.strictObject({ layers: z.array(NetworkLayer).max(100) });
export type NetworkArchitecture = z.infer<typeof NetworkArchitecture>;

/** The network of Škoda, Podsztavek & Tvrdík (2020), A&A 643, A122. */
export const DEFAULT_NETWORK: NetworkArchitecture = NetworkArchitecture.parse({
  layers: [
    ...[64, 128, 256].flatMap((filters) => [
      { kind: 'conv1d', filters },
      { kind: 'conv1d', filters },
      { kind: 'max_pooling1d' },
    ]),
    { kind: 'flatten' },
    { kind: 'dense', units: 512 },
    { kind: 'dropout' },
    { kind: 'dense', units: 512 },
    { kind: 'dropout' },
  ],
});

export const EarlyStopping = z.strictObject({
  monitor: z.enum(['loss', 'val_loss']).default('loss'),
  min_delta: z.number().min(0).default(0).meta({ description: 'A smaller improvement is none' }),
  patience: z.int().min(1).default(10).meta({ description: 'Epochs without improvement until the end' }),
});

/** How a network is fitted. Names and meanings are Keras' where it has them. */
export const FittingOptions = z.strictObject({
  epochs: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .meta({ description: 'At most; early stopping ends it before' }),
  batch_size: z.int().min(1).max(65_536).default(64),
  learning_rate: z.number().positive().max(1).default(1e-3).meta({ description: 'Of Adam' }),
  learning_rate_schedule: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('constant') }),
      z
        .strictObject({
          kind: z.literal('step'),
          every_epochs: z.int().min(1),
          factor: z.number().positive().max(1),
        })
        .meta({ description: 'Times factor after every so many epochs' }),
      z
        .strictObject({ kind: z.literal('cosine'), epochs: z.int().min(2) })
        .meta({ description: 'Along half a cosine to 0 at this epoch' }),
    ])
    .default({ kind: 'constant' }),
  early_stopping: EarlyStopping.prefault({}).meta({ description: 'The weights of the best epoch are kept' }),
  validation_fraction: z.number().min(0).max(0.9).default(0).meta({
    description: 'Share of the spectra held out, stratified by class; spectra of an object stay together',
  }),
  class_weights: z
    .enum(['none', 'balanced'])
    .default('none')
    .meta({ description: 'balanced: classes weigh alike in the loss, however many spectra they have' }),
  seed: z.int().min(0).max(0xffffffff).default(0).meta({ description: 'Of weights, order and dropout' }),
});
export type FittingOptions = z.infer<typeof FittingOptions>;
