/** A part is what one thread does at once: some 10 ms of work, so that all threads end together and a cancel is quick. */
export const MAX_FILES_PER_PART = 1024;
/** A part's rows are in memory together: at most this many float32 values (4 MiB), whatever the grid. */
export const MAX_VALUES_PER_PART = 1024 * 1024;
/**
 * A shard is what one activity does: a second on a coarse grid, three on a fine one, longer where files come over a network.
 * Each costs Temporal, control worker and PostgreSQL some 24 ms of processor; other jobs wait for the shards before theirs.
 */
export const MAX_FILES_PER_SHARD = { disk: 32768, s3: 8192 } as const;
/** The first and, where there are several workers, the last shards of a job are smaller, down to this. */
export const MIN_FILES_PER_SHARD = 1024;
/** At least so many shards of one job may be on the `cpu` queue at once; more would let other jobs wait. */
export const SHARD_WINDOW = 4;
/** Where there are several cpu workers so many for each: two that it does, and one that it finds when one of them ends. */
export const SHARDS_PER_WORKER = 3;
/** After so many shards of a job its workers are counted again: some may have come. */
export const SHARDS_PER_COUNT = 64;
/** After this many shards the preprocessing workflow continues as new, far below Temporal's history limits. */
export const SHARDS_PER_RUN = 1000;
/** Largest file read as a spectrum [bytes], unpacked. Real ones are below 3 MB. */
export const MAX_SPECTRUM_BYTES = 256 * 1024 * 1024;
/** Largest JSON request body. */
export const MAX_JSON_BYTES = 16 * 1024 * 1024;
/** Largest `config.json` that RUN reads. */
export const MAX_CONFIG_BYTES = 1024 * 1024;
/** Largest table of labels that is imported. */
export const MAX_LABELS_BYTES = 64 * 1024 * 1024;
