import { z } from 'zod';

/** Where a store is: a directory of this machine, or a bucket of an S3 server. */
export const StorageLocation = z.union([
  z.object({ directory: z.string().min(1) }),
  z.object({
    bucket: z.string().min(1),
    /** What all keys begin with, without a `/` at its ends; empty for the whole bucket. */
    prefix: z.string(),
    region: z.string().min(1),
    /** Absent: Amazon's own. */
    endpoint: z.url().optional(),
  }),
]);
export type StorageLocation = z.infer<typeof StorageLocation>;
export type S3Location = Exclude<StorageLocation, { directory: string }>;

/** Bucket and prefix of `s3://bucket/prefix`; undefined for anything else. */
export function parseS3Url(url: string): Pick<S3Location, 'bucket' | 'prefix'> | undefined {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(url) ?? [];
  const prefix = path.replace(/\/$/, '');
  if (bucket === undefined || prefix.split('/').some((name) => name === '.' || name === '..'))
    return undefined;
  return prefix === '' || !prefix.split('/').includes('') ? { bucket, prefix } : undefined;
}
