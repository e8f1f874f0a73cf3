/**
 * The types of the ES modules in `dist/index.js`: those of the CommonJS build, so that a program that both imports and
 * requires this package has each class once.
 */
export * from './dist/index.js';
