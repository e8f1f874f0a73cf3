/** What worker-farm loads in a worker, with `require`: a CommonJS function that brings in the module proper. */
module.exports = (spec: unknown, ended: (error: Error | null) => void): void => {
  void import('./processor-worker-child.ts').then(({ serve }) => serve(spec, ended));
};
