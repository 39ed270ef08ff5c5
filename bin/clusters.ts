/**
 * The CDK app with the three stacks: `npx cdk deploy SluiceElastic`, with `--parameters` for the
 * domain and the size. To fit a cluster into a stack of your own, use the constructs: constructs/.
 */
import { App } from 'aws-cdk-lib';
import { ElasticStack, HighAvailabilityStack, SingleNodeStack } from './cluster-stacks';

const app = new App();
new SingleNodeStack(app, 'SluiceSingleNode');
new ElasticStack(app, 'SluiceElastic');
new HighAvailabilityStack(app, 'SluiceHighAvailability');
app.synth();
