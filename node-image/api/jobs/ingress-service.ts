import {
  CreateIngressRequest,
  DeleteIngressRequest,
  type IngressInfo,
  ListIngressRequest,
  ListIngressResponse,
  UpdateIngressRequest,
} from '@livekit/protocol';
import { requireIngressAdmin } from '../authorization';
import { type TwirpService, twirpMethod } from '../twirp';

/** What is asked of Ingresses: `IngressControl` answers it. */
export interface Ingresses {
  create(request: CreateIngressRequest): Promise<IngressInfo>;
  update(request: UpdateIngressRequest): Promise<IngressInfo>;
  list(request: ListIngressRequest): Promise<IngressInfo[]>;
  delete(request: DeleteIngressRequest): Promise<IngressInfo>;
}

/** livekit.Ingress. Source: livekit_ingress.proto. */
export const ingressService = (ingresses: Ingresses): TwirpService => ({
  name: 'livekit.Ingress',
  methods: new Map([
    [
      'CreateIngress',
      twirpMethod(CreateIngressRequest, async (request, { grants }) => {
        requireIngressAdmin(grants);
        return ingresses.create(request);
      }),
    ],
    [
      'UpdateIngress',
      twirpMethod(UpdateIngressRequest, async (request, { grants }) => {
        requireIngressAdmin(grants);
        return ingresses.update(request);
      }),
    ],
    [
      'ListIngress',
      twirpMethod(ListIngressRequest, async (request, { grants }) => {
        requireIngressAdmin(grants);
        return new ListIngressResponse({ items: await ingresses.list(request) });
      }),
    ],
    [
      'DeleteIngress',
      twirpMethod(DeleteIngressRequest, async (request, { grants }) => {
        requireIngressAdmin(grants);
        return ingresses.delete(request);
      }),
    ],
  ]),
});
