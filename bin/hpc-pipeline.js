#!/usr/bin/env node
import '../dist/src/cli/hpc-pipeline.js';
