export * from './bus-options.ts';
export * from './bus.ts';
export * from './errors.ts';
export * from './open-bus.ts';
export * from './store-end.ts';
