import type * as pulumi from '@pulumi/pulumi';
import { type JobUrls, jobUrls } from '../../node-image/contract';
import { checkedText } from './validation';

/** How jobs find the cluster, by what clients are given; nothing where that is not known. */
export function urlsOf(
  url: pulumi.Input<string> | undefined,
): Partial<Record<keyof JobUrls, pulumi.Output<string>>> {
  if (url === undefined) return {};
  const { ws, whip, rtmp } = checkedText(
    'clusterUrl',
    url,
    CLUSTER_URL,
    'what clients are given, such as https://meet.example.com',
  ).apply((known) => {
    const [, scheme, host = ''] = CLUSTER_URL.exec(known) ?? [];
    return jobUrls(host, scheme === 'https');
  });
  return { ws, whip, rtmp };
}

const CLUSTER_URL = /^(https?):\/\/([^/]+)\/?$/;
