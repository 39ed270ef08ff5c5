/** As `sluice plan` draws too. */
export { type Line, type PlotOptions, plot } from '../node-image/capacity/line-plot';
