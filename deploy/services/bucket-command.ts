import { CreateBucketCommand, HeadBucketCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { storageLocations } from '../../contracts/environment.ts';
import { readProcessEnvironment } from '../../storage/process-environment.ts';

// `node dist/deploy/services/bucket-command.js`: the buckets that the environment names, made where absent.
const environment = readProcessEnvironment();
const { objects, files, spectra } = storageLocations(environment);
for (const location of [objects, files, spectra]) {
  if (!location || 'directory' in location) continue;
  const { bucket: Bucket, region, endpoint } = location;
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  });
  try {
    await client.send(new HeadBucketCommand({ Bucket }));
    console.log(`The bucket ${Bucket} is there.`);
  } catch (error) {
    if (!(error instanceof S3ServiceException) || error.$metadata.httpStatusCode !== 404) throw error;
    await client.send(new CreateBucketCommand({ Bucket }));
    console.log(`The bucket ${Bucket} is made.`);
  } finally {
    client.destroy();
  }
}
