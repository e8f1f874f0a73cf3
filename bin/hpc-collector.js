#!/usr/bin/env node
import '../dist/src/cli/hpc-collector.js';
