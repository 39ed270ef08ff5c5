import { Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { IMediaNodes, MediaNodesAttributes } from '../media-nodes';
import { NodeSettings } from '../node-config';
import { grantComplete, grantGroupControl } from './group-control';
import { cloudSettings } from './media-props';
import { portsOf } from './port-rules';

/** Media Nodes that are defined elsewhere. */
export class ImportedMediaNodes extends Resource implements IMediaNodes {
  readonly autoScalingGroupName: string;
  readonly noticesQueueUrl: string;
  readonly connections: ec2.Connections;
  readonly grantPrincipal: iam.IPrincipal;

  readonly _masterSettings: NodeSettings;

  readonly #queue: sqs.IQueue;

  constructor(scope: Construct, id: string, attrs: MediaNodesAttributes) {
    super(scope, id);
    this.autoScalingGroupName = attrs.autoScalingGroupName;
    this.#queue = sqs.Queue.fromQueueArn(this, 'Notices', attrs.noticesQueueArn);
    this.noticesQueueUrl = this.#queue.queueUrl;
    this.connections = new ec2.Connections({ securityGroups: attrs.securityGroups });
    this.grantPrincipal = attrs.role;
    this._masterSettings = NodeSettings.fromObject({
      sluice: { cloud: cloudSettings(this), scaling: { group: 'aws' } },
    });
  }

  grantControl(grantee: iam.IGrantable): iam.Grant {
    return grantGroupControl(this, grantee, this.autoScalingGroupName)
      .combine(this.#queue.grantConsumeMessages(grantee))
      .combine(grantComplete(this, grantee, this.autoScalingGroupName));
  }

  allowCluster(other: ec2.IConnectable): void {
    for (const { port, what } of portsOf('media', 'cluster')) {
      this.connections.allowFrom(other, port, `${what}, nodes of the cluster`);
    }
  }
}
