import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { type RecordingsOptions, RecordingsStore } from './recordings-store';

/** Where recordings go whose request names no other place. */
export abstract class Recordings {
  /** A bucket of its own: not public, encrypted, kept when the stack is deleted. */
  static create(options: RecordingsOptions = {}): Recordings {
    return new OwnRecordings(options);
  }

  /**
   * A bucket of yours. The Media Nodes get the rights to record into it, and to use its key where the
   * bucket is known with its `encryptionKey`; of a bucket of another account its policy is yours to
   * extend. How long recordings are kept is a matter of the bucket.
   */
  static fromBucket(bucket: s3.IBucket): Recordings {
    return new ExistingRecordings(bucket);
  }

  /** @internal */
  abstract _bind(scope: Construct): RecordingsStore;
}

class OwnRecordings extends Recordings {
  constructor(private readonly options: RecordingsOptions) {
    super();
  }

  override _bind(scope: Construct): RecordingsStore {
    return new RecordingsStore(scope, 'Recordings', this.options);
  }
}

class ExistingRecordings extends Recordings {
  constructor(private readonly bucket: s3.IBucket) {
    super();
  }

  override _bind(scope: Construct): RecordingsStore {
    return new RecordingsStore(scope, 'Recordings', { _bucket: this.bucket });
  }
}
