#!/usr/bin/env node
import '../dist/src/cli/pvcall.js';
