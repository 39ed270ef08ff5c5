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
import { jobErrorOf } from './job-errors';

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
        return asked(() => ingresses.create(request));
      }),
    ],
    [
      'UpdateIngress',
      twirpMethod(UpdateIngressRequest, async (request, { grants }) => {
        requireIngressAdmin(grants);
        return asked(() => ingresses.update(request));
      }),
    ],
    [
      'ListIngress',
      twirpMethod(ListIngressRequest, async (request, { grants }) => {
        requireIngressAdmin(grants);
        return new ListIngressResponse({ items: await asked(() => ingresses.list(request)) });
      }),
    ],
    [
      'DeleteIngress',
      twirpMethod(DeleteIngressRequest, async (request, { grants }) => {
        requireIngressAdmin(grants);
        return asked(() => ingresses.delete(request));
      }),
    ],
  ]),
});

/** Where no node has room, or none can be asked now, the same request may succeed later: 503. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw jobErrorOf(error);
  }
}
