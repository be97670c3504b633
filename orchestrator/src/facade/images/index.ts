export { buildImage, buildInnerEngine, buildProjectImage } from './build-images.ts';
export { listImages, type ImageReport, type ImageUsage } from './list-images.ts';
export { pruneImages, type PrunedImage, type PruneReport } from './prune-images.ts';
