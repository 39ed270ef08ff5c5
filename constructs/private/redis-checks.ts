import { Duration } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { RedisStoreProps } from '../redis-store';
import { zonesOf } from './subnets';
import type { Problems } from './validation';

const VERSION = /^([7-9]|[1-9]\d)(\.\d+)+$/;
const WINDOW = /^\d\d:\d\d-\d\d:\d\d$/;
const DAY_WINDOW =
  /^(sun|mon|tue|wed|thu|fri|sat):\d\d:\d\d-(sun|mon|tue|wed|thu|fri|sat):\d\d:\d\d$/i;

/** What is wrong with the properties of a Redis of ElastiCache. */
export function checkRedis(props: RedisStoreProps, problems: Problems): void {
  problems.integer('nodes', props.nodes, {
    min: 2,
    max: 6,
    fix: 'give 2 nodes or more: one alone cannot fail over',
  });
  problems.matches(
    'nodeType',
    props.nodeType,
    /^cache\.[a-z0-9-]+\.[a-z0-9]+$/,
    'a node type of ElastiCache such as cache.t4g.small',
  );
  problems.matches('engineVersion', props.engineVersion, VERSION, 'a version such as 7.2 or 8.0');
  problems.matches('snapshotWindow', props.snapshotWindow, WINDOW, 'hours such as 03:00-04:00');
  problems.matches(
    'maintenanceWindow',
    props.maintenanceWindow,
    DAY_WINDOW,
    'a time of the week such as sun:04:00-sun:05:00',
  );
  problems.duration('snapshotRetention', props.snapshotRetention, {
    min: Duration.days(0),
    max: Duration.days(35),
  });
  const { parameterGroupName, parameters, subnetGroupName, vpcSubnets } = props;
  problems.atMostOne({ parameterGroupName, parameters });
  problems.atMostOne({ subnetGroupName, vpcSubnets });
}

/** Where the zones are known: a token may be any. */
export function mustBeInTwoZones(selected: ec2.SelectedSubnets, problems: Problems): void {
  const zones = zonesOf(selected);
  if (zones === undefined || zones.length >= 2) return;
  problems.add({
    what: 'vpcSubnets',
    given: `subnets in ${zones.length} zone (${zones.join(', ')})`,
    allowed: 'subnets in two zones or more, so that a replica can take over',
    fix: 'give subnets of another zone too, or bring a Redis of your own with fromRedisStoreAttributes()',
  });
}
